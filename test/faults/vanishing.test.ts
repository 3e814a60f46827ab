import { existsSync, readdirSync, renameSync, rmSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import type { Store } from "effect-lsm"
import { captureLogs } from "../support/captureLogs.js"
import { spawnChild } from "../support/childProcess.js"
import { eventually } from "../support/eventually.js"
import { makeFaultyStorage, withFaultyStore } from "../support/faultyStorage.js"
import { disk, withStore } from "../support/places.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

/** Writes until a write fails. */
const writeUntilRefused = (store: Store.Store, n = 0): Effect.Effect<void, unknown> =>
  Effect.zipRight(
    store.put(`key ${n}`, "v".repeat(1000), { durability: "buffered" }),
    Effect.suspend(() => writeUntilRefused(store, n + 1))
  )

/** How many file operations of this process have not ended. */
const countFileOperations = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource.startsWith("FSReq")).length

/**
 * Waits until background work has ended or waits for the clock. Work in progress never yields to
 * the event loop 100 times in a row without a file operation.
 */
const untilIdle = Effect.suspend(() => {
  let idleYields = 0
  const observe = Effect.sync(() => {
    idleYields = countFileOperations() === 0 ? idleYields + 1 : 0
    return idleYields
  })
  return eventually(observe, (yields) => yields === 100)
})

const tuning = { memtableBytes: 70_000, maxFrozenMemtables: 2 }

describe("a store whose directory has vanished", () => {
  it.scoped("takes no more writes, logs the reason once, reads its open files, and closes", () =>
    Effect.gen(function* () {
      for (const how of ["removed", "renamed"]) {
        const place = yield* disk
        const logs = captureLogs()
        const use = withStore(
          place,
          (store) =>
            Effect.gen(function* () {
              yield* store.put("kept", "1")
              yield* store.flush
              expect(yield* store.getString("kept")).toStrictEqual(Option.some("1"))
              if (how === "removed") rmSync(place.directory, { recursive: true })
              else renameSync(place.directory, `${place.directory}-renamed`)
              const writers = yield* Effect.forEach([0, 1, 2], () => Effect.fork(writeUntilRefused(store)))
              for (const writer of writers) {
                const exit = yield* Fiber.await(writer)
                if (Exit.isSuccess(exit)) continue
                const error = Option.getOrThrow(Cause.failureOption(exit.cause))
                expect(error).toMatchObject({ _tag: expect.stringMatching(/^Stor(ageError|ePoisoned)$/) })
                expect(String(error)).toContain(`find directory ${place.directory}: ENOENT`)
              }
              expect((yield* store.stats).poisoned).toContain(`find directory ${place.directory}`)
              for (const work of [store.flush, store.compact(), store.sync, store.put("a", "b")]) {
                expect(yield* Effect.flip(work)).toMatchObject({ _tag: "StorePoisoned" })
              }
              expect(yield* store.getString("kept")).toStrictEqual(Option.some("1"))
              expect(yield* store.has("key 0")).toBe(true)
              yield* untilIdle
              const before = logs.above("ERROR").length
              yield* TestClock.adjust("1 hour")
              yield* untilIdle
              expect(logs.above("ERROR").length).toBe(before)
            }),
          tuning
        )
        yield* Effect.provide(use, logs.layer)
        // Each kind of background work may fail once before writes end.
        expect(logs.above("ERROR").length).toBeLessThanOrEqual(3)
        expect(logs.above("ERROR")[0]!.cause).toContain("find directory")
        expect(existsSync(place.directory)).toBe(false)
        if (how === "renamed") renameSync(`${place.directory}-renamed`, place.directory)
        yield* withStore(place, (store) =>
          Effect.gen(function* () {
            expect(yield* store.has("kept")).toBe(how === "renamed")
          })
        )
      }
    })
  )

  it.scoped("takes no more writes if another directory is at its path, and leaves that directory alone", () =>
    Effect.gen(function* () {
      const place = yield* disk
      const aside = `${place.directory}-renamed`
      const logs = captureLogs()
      const taken: Array<string> = []
      const value = "v".repeat(1000)
      const use = withStore(
        place,
        (first) =>
          Effect.gen(function* () {
            yield* first.put("of the first", "1")
            yield* first.flush
            // The read opens the table.
            expect(yield* first.has("of the first")).toBe(true)
            // Wait until the next log segment is ready and no other work is under way.
            const logs = () => readdirSync(place.directory).filter((name) => name.endsWith(".log")).length
            yield* eventually(Effect.sync(logs), (count) => count === 2)
            yield* untilIdle
            renameSync(place.directory, aside)
            yield* withStore(
              place,
              (second) =>
                Effect.gen(function* () {
                  const write = (n: number) => second.put(`second ${n}`, value)
                  yield* Effect.forEach(Array.from({ length: 50 }).keys(), write)
                  const writeFirst = (n: number): Effect.Effect<void, unknown> =>
                    first.put(`first ${n}`, value).pipe(
                      Effect.tap(() => Effect.sync(() => taken.push(`first ${n}`))),
                      Effect.zipRight(Effect.suspend(() => (n < 1000 ? writeFirst(n + 1) : Effect.void)))
                    )
                  const error = yield* Effect.flip(writeFirst(0))
                  expect(String(error)).toContain(`lock ${place.directory}: ESTALE`)
                  for (const work of [first.flush, first.compact(), first.put("a", "b")]) {
                    expect(yield* Effect.flip(work)).toMatchObject({ _tag: "StorePoisoned" })
                  }
                  expect(yield* first.getString("of the first")).toStrictEqual(Option.some("1"))
                  yield* Effect.forEach(Array.from({ length: 200 }).keys(), write)
                  yield* second.compact()
                }),
              tuning
            )
          }),
        tuning
      )
      yield* Effect.provide(use, logs.layer)
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          expect(yield* store.count()).toBe(200)
          expect((yield* store.stats).recovery.orphans).toStrictEqual([])
        })
      )
      rmSync(place.directory, { recursive: true })
      renameSync(aside, place.directory)
      yield* withStore(place, (store) =>
        Effect.gen(function* () {
          expect(taken.length).toBeGreaterThan(50)
          for (const key of [...taken, "of the first"]) expect(yield* store.has(key)).toBe(true)
        })
      )
    })
  )

  it.scopedLive("does not keep the process alive", () =>
    Effect.gen(function* () {
      const child = yield* spawnChild(["vanish", yield* temporaryDirectory])
      const lines = [yield* child.line, yield* child.line, yield* child.line]
      expect(["StorageError", "StorePoisoned"]).toContain(lines[0])
      expect(lines.slice(1)).toStrictEqual(["StorePoisoned", ""])
    })
  )

  it.effect("is poisoned by a manual compaction too", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            for (const value of ["1", "2"]) {
              yield* store.put("a", value)
              yield* store.flush
            }
            storage.vanishesAfter = storage.operations.length
            expect(yield* Effect.flip(store.compact())).toMatchObject({ operation: "find directory", path: "/memory" })
            expect(yield* Effect.flip(store.put("a", "3"))).toMatchObject({ _tag: "StorePoisoned" })
          }),
        { level0Tables: 10 }
      )
      expect(storage.open.size).toBe(0)
    })
  )
})

describe("a manual compaction whose directory sync fails", () => {
  it.effect("leaves a store that takes no more writes", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            for (const value of ["1", "2"]) {
              yield* store.put("a", value)
              yield* store.flush
            }
            storage.refuse = ({ operation }) => (operation === "sync directory" ? "EIO" : undefined)
            expect(yield* Effect.flip(store.compact())).toMatchObject({ operation: "sync directory", code: "EIO" })
            storage.refuse = () => undefined
            expect(yield* Effect.flip(store.put("a", "3"))).toMatchObject({ _tag: "StorePoisoned" })
            expect(yield* store.getString("a")).toStrictEqual(Option.some("2"))
          }),
        { level0Tables: 10 }
      )
    })
  )
})

describe("background work that fails for hours", () => {
  it.effect("is retried, and logged less and less often", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      const logs = captureLogs()
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "v")
          let tries = 0
          storage.refuse = ({ operation, path }) => {
            if (operation !== "create" || !path.endsWith(".sst")) return undefined
            tries++
            return "EIO"
          }
          yield* Effect.flip(store.flush)
          for (let due = 1; due < 300; ) {
            yield* TestClock.adjust("10 seconds")
            yield* eventually(
              Effect.sync(() => tries),
              (n) => n > due
            )
            due = tries
          }
          const logged = logs.with("flush failed").map(({ annotations }) => annotations["times"])
          expect(logged).toStrictEqual([1, 2, 4, 8, 16, 32, 64, 128, 256])
          expect((yield* store.stats).backgroundError).toContain("EIO")
          // A different failure is logged at once.
          storage.refuse = ({ operation, path }) =>
            operation === "create" && path.endsWith(".sst") ? "ENOSPC" : undefined
          yield* TestClock.adjust("10 seconds")
          yield* eventually(
            Effect.sync(() => logs.with("flush failed").at(-1)!.cause),
            (cause) => cause.includes("no space left")
          )
          storage.refuse = () => undefined
          yield* TestClock.adjust("10 seconds")
          yield* eventually(store.stats, ({ flushes }) => flushes === 1)
        })
      ).pipe(Effect.provide(logs.layer))
    })
  )
})
