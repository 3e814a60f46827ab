import { readdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { Worker } from "node:worker_threads"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { childProgram, spawnChild } from "./support/childProcess.js"
import { disk, memory, withStore } from "./support/places.js"

describe("a directory has one owner", () => {
  for (const [name, where] of [
    ["on disk", disk],
    ["in memory", memory]
  ] as const) {
    it.scoped(`in one process, ${name}`, () =>
      Effect.gen(function* () {
        const place = yield* where
        yield* withStore(place, (store) =>
          Effect.gen(function* () {
            yield* store.put("k", "v")
            const second = yield* Effect.flip(withStore(place, () => Effect.void))
            expect(second).toMatchObject({ _tag: "StoreLocked", directory: place.directory })
            expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
            yield* store.put("k", "w")
          })
        )
        yield* withStore(place, (store) => Effect.map(store.count(), (count) => expect(count).toBe(1)))
      })
    )
  }

  it.scoped("by whatever path it is reached", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const other = yield* disk
      const link = join(other.directory, "link")
      symlinkSync(place.directory, link)
      const through = yield* disk
      yield* withStore(place, () =>
        Effect.map(
          Effect.flip(withStore({ ...through, open: (t) => place.open({ ...t, name: link }) }, () => Effect.void)),
          (error) => expect(error._tag).toBe("StoreLocked")
        )
      )
    })
  )

  it.scoped("when several open it at the same moment", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const othersRefused = yield* Effect.makeLatch(false)
      let refused = 0
      const open = withStore(place, () => othersRefused.await).pipe(
        Effect.as("opened"),
        Effect.catchTag("StoreLocked", ({ _tag }) => {
          if (++refused === 2) othersRefused.unsafeOpen()
          return Effect.succeed(_tag)
        })
      )
      const outcomes = yield* Effect.all([open, open, open], { concurrency: "unbounded" })
      expect(outcomes.sort()).toStrictEqual(["StoreLocked", "StoreLocked", "opened"])
    })
  )

  it.scoped("among processes; a killed one has none", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const child = yield* spawnChild(["hold", place.directory])
      expect(yield* child.line).toBe("open")
      const files = () => readdirSync(place.directory).filter((file) => !file.endsWith(".log"))
      const before = files()
      expect(yield* Effect.flip(withStore(place, () => Effect.void))).toMatchObject({ _tag: "StoreLocked" })
      expect(files()).toStrictEqual(before)
      yield* child.kill
      yield* withStore(place, (store) => store.put("k", "v"))
    })
  )

  it.scoped("among the threads of a process", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const answer = Effect.acquireUseRelease(
        Effect.sync(() => new Worker(childProgram(), { workerData: ["hold", place.directory], stdin: true })),
        (worker) =>
          Effect.async<unknown>((resume) => {
            worker.once("message", (line) => resume(Effect.succeed(line)))
            worker.once("error", (error) => resume(Effect.die(error)))
          }),
        (worker) => Effect.promise(() => worker.terminate())
      )
      yield* withStore(place, () => Effect.map(answer, (line) => expect(line).toBe("StoreLocked")))
    })
  )
})
