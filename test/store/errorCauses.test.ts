import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { LsmError, LsmStore, Storage } from "effect-lsm"
import { StorageFailure } from "../../src/core/storage/failure.js"
import { fromFailure } from "../../src/LsmError.js"
import { disk } from "../support/places.js"

const systemError = (code: string) => Object.assign(new Error(`${code}: the system says no`), { code })

describe("a system error", () => {
  it.scoped("is the cause of the store's error, at every level", () =>
    Effect.gen(function* () {
      const { directory } = yield* disk
      const path = join(directory, "a file")
      writeFileSync(path, "")
      const storage = yield* Storage.make
      const failures: Record<string, Effect.Effect<unknown, LsmError.OpenError>> = {
        "of an asynchronous call": storage.rename(join(directory, "nothing"), path),
        "of a synchronous call": storage.list(path),
        "of opening": Effect.scoped(LsmStore.make({ directory: join(path, "store") }))
      }
      for (const [name, failing] of Object.entries(failures)) {
        const error = yield* Effect.flip(failing)
        expect(error, name).toMatchObject({ _tag: "StorageError", code: expect.stringMatching(/^ENO/) })
        expect((error as LsmError.StorageError).cause, name).toBeInstanceOf(Error)
        expect(Cause.pretty(Cause.fail(error), { renderErrorCause: true }), name).toMatch(/\[cause\]: .*no such|ENO/)
      }
    })
  )

  it("survives encoding and decoding, with and without a cause", () => {
    for (const code of ["EIO", "ENOSPC"]) {
      const error = fromFailure(new StorageFailure("sync", "/a/b", code, { cause: systemError(code) }))
      const Either = Schema.Union(LsmError.StorageError, LsmError.DiskFull)
      const json = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(Either)(error)))
      const back = Schema.decodeUnknownSync(Either)(json)
      expect(back._tag).toBe(code === "EIO" ? "StorageError" : "DiskFull")
      expect(back.message).toBe(error.message)
      expect(back.cause).toMatchObject({ name: "Error", message: `${code}: the system says no` })
    }
    const bare = new LsmError.StorageError({ operation: "sync", path: "/a/b", code: "EIO" })
    expect("cause" in bare && bare.cause !== undefined).toBe(false)
    const encoded = Schema.encodeSync(LsmError.StorageError)(bare)
    expect(encoded).toStrictEqual({ _tag: "StorageError", operation: "sync", path: "/a/b", code: "EIO" })
    expect(Schema.decodeSync(LsmError.StorageError)(encoded).cause).toBeUndefined()
  })
})
