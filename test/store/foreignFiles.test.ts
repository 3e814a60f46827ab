import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { LsmStore, type Store } from "effect-lsm"
import { encodeFileHeader } from "../../src/core/storage/fileHeader.js"
import { captureLogs } from "../support/captureLogs.js"
import { eventually } from "../support/eventually.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

const session = <A, E>(directory: string, use: (store: Store.Store) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.flatMap(LsmStore.make({ directory }), use))

/** An application's files, with names that a store also gives to its own files. */
const foreign: ReadonlyArray<readonly [name: string, content: string]> = [
  ["20240131.log", "2024-01-31 the application's own log, which is longer than a header\n"],
  ["20240201.log", "short"],
  ["20240202.log", ""],
  ["20240203.log", "\0".repeat(64)],
  ["000000000001234.sst", "precious"],
  ["20240131.sst", "a table of something else, of more bytes than a header has"],
  ["MANIFEST-000001", "the first of something else, of more bytes than a header has"],
  ["CURRENT-000002.tmp", "something else that is to be current, of more bytes than that"],
  ["MANIFEST-20240131", "what was loaded, and where it came from, in more than 32 bytes"],
  ["000900.sst", "a table with a number that the store may reach, without a header"]
]

/** Writes the foreign files whose names are free. Returns a check that they have not changed. */
const place = (directory: string) =>
  Effect.sync(() => {
    const free = foreign.filter(([name]) => !existsSync(join(directory, name)))
    for (const [name, content] of free) writeFileSync(join(directory, name), content)
    return Effect.sync(() => {
      for (const [name, content] of free) expect(readFileSync(join(directory, name), "latin1"), name).toBe(content)
    })
  })

describe("files in the directory that are not the store's", () => {
  it.scopedLive("stay if they are there before the store", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const expectUntouched = yield* place(directory)
      for (let i = 0; i < 3; i++) {
        yield* session(directory, (store) => Effect.zipRight(store.put(`key ${i}`, "value"), store.flush))
        yield* expectUntouched
      }
      expect(yield* session(directory, (store) => store.count())).toBe(3)
    })
  )

  it.scopedLive("stay if they come later, and count as neither orphans nor findings", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* session(directory, (store) => store.put("key", "value"))
      const expectUntouched = yield* place(directory)
      const findings = yield* LsmStore.verify({ directory }).pipe(
        Stream.filter((event) => event._tag === "Finding"),
        Stream.runCollect
      )
      expect([...findings]).toEqual([])
      const stats = yield* session(directory, (store) => Effect.zipRight(store.put("key", "2"), store.stats))
      expect(stats.recovery.orphans).toEqual([])
      expect(yield* session(directory, (store) => store.getString("key"))).toMatchObject({ value: "2" })
      yield* expectUntouched
      // Their numbers do not advance the store's own file numbers.
      expect(readdirSync(directory).filter((name) => /^0000\d\d\.log$/.test(name)).length).toBeGreaterThan(0)
    })
  )

  it.scopedLive("stay if the store wants to create a file of the same name, and it takes another number", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const names = Array.from({ length: 12 }, (_, i) => `${String(i + 4).padStart(6, "0")}.log`)
      const logs = captureLogs()
      yield* session(directory, (store) =>
        Effect.gen(function* () {
          yield* store.put("key", "1")
          yield* eventually(
            Effect.sync(() => existsSync(join(directory, "000003.log"))),
            (there) => there
          )
          for (const name of names) writeFileSync(join(directory, name), "another's")
          // A flush fails while no segment can be prepared.
          yield* Effect.retry(store.flush, { times: 100 })
          yield* store.put("key", "2")
        })
      ).pipe(Effect.provide(logs.layer))
      expect(logs.above("ERROR").length).toBeGreaterThan(0)
      for (const name of names) expect(readFileSync(join(directory, name), "utf8"), name).toBe("another's")
      expect(yield* session(directory, (store) => store.getString("key"))).toMatchObject({ value: "2" })
      for (const name of names) expect(readFileSync(join(directory, name), "utf8"), name).toBe("another's")
    })
  )

  it.scopedLive("are not taken for the store's own leftovers of a crash, which are removed and reported", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* session(directory, (store) => store.put("key", "value"))
      const storeId = readFileSync(join(directory, "CURRENT")).subarray(18, 26)
      const other = Uint8Array.from(storeId, (byte) => byte ^ 1)
      const header = (fileNumber: number, id: Uint8Array) =>
        encodeFileHeader({ kind: "table", fileNumber, storeId: id })
      const own: ReadonlyArray<readonly [string, Uint8Array]> = [
        ["000050.sst", Buffer.concat([header(50, storeId), Buffer.from("half a block")])],
        ["000051.sst", header(51, storeId).slice(0, 20)],
        ["000052.sst", header(52, storeId).fill(0, 9)],
        ["000053.log", new Uint8Array(0)],
        ["000054.log", new Uint8Array(4096)]
      ]
      for (const [name, bytes] of own) writeFileSync(join(directory, name), bytes)
      writeFileSync(join(directory, "000055.sst"), header(55, other))
      const { recovery } = yield* session(directory, (store) => store.stats)
      expect(recovery.orphans.map((name) => basename(name))).toEqual(own.map(([name]) => name))
      const names = readdirSync(directory)
      for (const [name] of own) expect(names).not.toContain(name)
      expect(names).toContain("000055.sst")
    })
  )
})
