import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import { pairs } from "../support/bytes.js"
import { captureLogs } from "../support/captureLogs.js"
import { eventually, turn } from "../support/eventually.js"
import { makeFaultyStorage, type Operation, withFaultyStore } from "../support/faultyStorage.js"

const isTable = ({ path }: Operation) => path.endsWith(".sst")
const isLog = ({ path }: Operation) => path.endsWith(".log")
const isManifest = ({ path }: Operation) => path.includes("MANIFEST")

describe("a log that cannot be synced", () => {
  it.effect("fails the write, ends writes but not reads, and works again after a reopen", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      const logs = captureLogs()
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("kept", "1")
          storage.refuse = (operation) => (isLog(operation) && operation.operation === "sync" ? "EIO" : undefined)
          expect(yield* Effect.flip(store.put("lost", "2"))).toMatchObject({
            _tag: "StorageError",
            operation: "sync",
            code: "EIO"
          })
          storage.refuse = () => undefined
          for (const write of [store.put("a", "b"), store.delete("a"), store.sync, store.flush, store.compact()]) {
            expect(yield* Effect.flip(write)).toMatchObject({ _tag: "StorePoisoned", directory: "/memory" })
          }
          expect(yield* store.put("a", "b", { durability: "buffered" }).pipe(Effect.flip)).toMatchObject({
            _tag: "StorePoisoned"
          })
          expect(yield* store.getString("kept")).toStrictEqual(Option.some("1"))
          expect(yield* pairs(store.scan())).toStrictEqual([["kept", "1"]])
          expect((yield* store.stats).poisoned).toContain("EIO")
        })
      ).pipe(Effect.provide(logs.layer))
      expect(storage.open.size).toBe(0)
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          expect(yield* store.getString("kept")).toStrictEqual(Option.some("1"))
          yield* store.put("a", "b")
          expect((yield* store.stats).poisoned).toBeUndefined()
        })
      )
    })
  )

  it.effect("fails every write that waits for the sync, and the flush that waits for them", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("kept", "1", { durability: "buffered" })
          storage.refuse = (operation) => (isLog(operation) && operation.operation === "sync" ? "EIO" : undefined)
          const writers = yield* Effect.forEach([1, 2, 3], (n) => Effect.fork(store.put(`lost ${n}`, "2")))
          yield* Effect.yieldNow()
          const flush = yield* Effect.fork(store.flush)
          for (const writer of writers) {
            expect(yield* Effect.flip(Fiber.join(writer))).toMatchObject({ _tag: "StorageError", code: "EIO" })
          }
          expect(Exit.isFailure(yield* Fiber.await(flush))).toBe(true)
        })
      )
    })
  )

  it.effect("fails a flush that already waits", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("kept", "1")
          let release = (): void => undefined
          const held = new Promise<void>((resolve) => {
            release = resolve
          })
          storage.refuse = (operation) => (isLog(operation) && operation.operation === "sync" ? "EIO" : undefined)
          storage.hold = (operation) => (isLog(operation) ? held : undefined)
          const writer = yield* Effect.fork(store.put("lost", "2"))
          yield* turn
          const flush = yield* Effect.fork(store.flush)
          yield* turn
          release()
          expect(yield* Effect.flip(Fiber.join(writer))).toMatchObject({ _tag: "StorageError" })
          expect(yield* Effect.flip(Fiber.join(flush))).toMatchObject({ _tag: "StorePoisoned" })
        })
      )
    })
  )
})

describe("a full disk", () => {
  it.effect("fails a flush, keeps its memtable, and the flush is retried automatically", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      const logs = captureLogs()
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "v")
          storage.refuse = (operation) => (isTable(operation) ? "ENOSPC" : undefined)
          expect(yield* Effect.flip(store.flush)).toMatchObject({ _tag: "DiskFull", operation: "create" })
          expect(yield* store.getString("k")).toStrictEqual(Option.some("v"))
          yield* store.put("meanwhile", "w")
          const { backgroundError, memory, tables } = yield* store.stats
          expect({ tables, frozen: memory.frozenCount }).toStrictEqual({ tables: 0, frozen: 1 })
          expect(backgroundError).toContain("no space left")
          expect(logs.with("flush failed")).toHaveLength(1)
          expect(logs.with("flush failed")[0]).toMatchObject({ level: "ERROR" })
          expect(logs.with("flush failed")[0]!.cause).toContain("no space left")
          yield* TestClock.adjust("100 millis")
          yield* eventually(
            Effect.sync(() => logs.with("flush failed").length),
            (n) => n === 2
          )
          storage.refuse = () => undefined
          yield* TestClock.adjust("200 millis")
          yield* eventually(store.stats, ({ flushes }) => flushes === 1)
          expect(yield* store.stats).toMatchObject({
            tables: 1,
            backgroundError: undefined,
            memory: { frozenCount: 0 }
          })
          expect(yield* pairs(store.scan())).toStrictEqual([
            ["k", "v"],
            ["meanwhile", "w"]
          ])
        })
      ).pipe(Effect.provide(logs.layer))
      expect(storage.open.size).toBe(0)
    })
  )

  it.effect("is retried at once when the application calls resume", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("k", "v")
          storage.refuse = (operation) => (isTable(operation) ? "ENOSPC" : undefined)
          yield* Effect.flip(store.flush)
          storage.refuse = () => undefined
          yield* store.resume
          yield* eventually(store.stats, ({ flushes }) => flushes === 1)
        })
      )
    })
  )

  it.effect("fails writes that wait for a flush, and later writes succeed when there is room", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            storage.refuse = (operation) => (isTable(operation) ? "ENOSPC" : undefined)
            const write = (n: number): Effect.Effect<number, unknown> =>
              Effect.zipRight(
                store.put(`k${n}`, "v"),
                Effect.suspend(() => write(n + 1))
              )
            expect(yield* Effect.flip(write(0))).toMatchObject({ _tag: "DiskFull" })
            const acknowledged = yield* store.count()
            expect(acknowledged).toBeGreaterThan(0)
            storage.refuse = () => undefined
            yield* store.resume
            yield* eventually(store.stats, ({ backgroundError }) => backgroundError === undefined)
            yield* store.put("last", "v")
            expect(yield* store.count()).toBe(acknowledged + 1)
          }),
        { memtableBytes: 1, maxFrozenMemtables: 2 }
      )
    })
  )

  it.effect("at the manifest or at the next segment leaves nothing half done", () =>
    Effect.gen(function* () {
      for (const fault of [isManifest, isLog]) {
        const storage = yield* makeFaultyStorage
        yield* withFaultyStore(storage, (store) =>
          Effect.gen(function* () {
            yield* store.put("k", "1")
            yield* store.flush
            yield* store.put("k", "2")
            storage.refuse = (operation) =>
              fault(operation) && operation.operation === (fault === isLog ? "create" : "append") ? "ENOSPC" : undefined
            yield* Effect.exit(store.flush)
            expect(yield* store.getString("k")).toStrictEqual(Option.some("2"))
            storage.refuse = () => undefined
            yield* store.resume
            yield* store.flush
            yield* store.put("k", "3")
            yield* store.flush
          })
        )
        expect([...storage.open.values()]).toStrictEqual([])
        yield* withFaultyStore(storage, (store) =>
          Effect.gen(function* () {
            expect(yield* store.getString("k")).toStrictEqual(Option.some("3"))
          })
        )
      }
    })
  )

  it.effect("at the next segment fails the flush that needs it at once", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(storage, (store) =>
        Effect.gen(function* () {
          storage.refuse = (operation) => (isLog(operation) && operation.operation === "create" ? "ENOSPC" : undefined)
          yield* store.put("k", "1")
          yield* Effect.ignore(store.flush)
          yield* eventually(store.stats, ({ backgroundError }) => backgroundError !== undefined)
          yield* store.put("k", "2")
          expect(yield* Effect.flip(store.flush)).toMatchObject({ _tag: "DiskFull" })
          storage.refuse = () => undefined
          yield* store.flush
          expect((yield* store.stats).memory.frozenCount).toBe(0)
        })
      )
    })
  )
})

describe("a compaction that fails", () => {
  it.effect("keeps its inputs, is logged with its Cause, and is retried", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      const logs = captureLogs()
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            storage.refuse = (operation) => (isTable(operation) && operation.operation === "read" ? "EIO" : undefined)
            yield* store.put("a", "1")
            yield* store.put("b", "1")
            yield* store.flush
            yield* store.put("a", "2")
            yield* store.delete("b")
            yield* store.flush
            yield* eventually(
              Effect.sync(() => logs.with("compaction failed").length),
              (n) => n === 1
            )
            expect(logs.with("compaction failed")[0]).toMatchObject({ level: "ERROR" })
            expect(logs.with("compaction failed")[0]!.cause).toContain("EIO")
            expect((yield* store.stats).levels[0]).toMatchObject({ tables: 2 })
            yield* store.put("c", "3")
            storage.refuse = () => undefined
            yield* TestClock.adjust("100 millis")
            yield* eventually(store.stats, ({ compactions }) => compactions === 1)
            expect((yield* store.stats).backgroundError).toBeUndefined()
            expect((yield* store.stats).levels.map(({ tables }) => tables)).toStrictEqual([0, 1, 0, 0, 0, 0, 0])
            expect(yield* pairs(store.scan())).toStrictEqual([
              ["a", "2"],
              ["c", "3"]
            ])
          }),
        { level0Tables: 2, level0SlowdownTables: 50, level0StopTables: 100 }
      ).pipe(Effect.provide(logs.layer))
      expect([...storage.open.values()]).toStrictEqual([])
    })
  )

  it.effect("is no longer reported after a manual compaction has done its work", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            yield* store.put("a", "1")
            yield* store.flush
            storage.refuse = (operation) => (isTable(operation) && operation.operation === "read" ? "EIO" : undefined)
            yield* store.put("a", "2")
            yield* store.flush
            yield* eventually(store.stats, ({ backgroundError }) => backgroundError !== undefined)
            storage.refuse = () => undefined
            yield* store.compact()
            yield* store.resume
            yield* eventually(store.stats, ({ backgroundError }) => backgroundError === undefined)
          }),
        { level0Tables: 2 }
      )
    })
  )

  it.effect("fails no write that waits only for a flush", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      const logs = captureLogs()
      yield* withFaultyStore(
        storage,
        (store) =>
          Effect.gen(function* () {
            for (const key of ["a", "b"]) {
              yield* store.put(key, "1")
              yield* store.flush
            }
            storage.refuse = (operation) => (isTable(operation) && operation.operation === "read" ? "EIO" : undefined)
            yield* store.put("a", "2")
            yield* store.flush
            yield* eventually(
              Effect.sync(() => logs.with("compaction failed").length),
              (n) => n >= 1
            )
            for (let n = 0; n < 20; n++) yield* store.put(`k${n}`, "v")
          }),
        { memtableBytes: 1, level0Tables: 3, level0SlowdownTables: 50, level0StopTables: 100 }
      ).pipe(Effect.provide(logs.layer))
    })
  )
})
