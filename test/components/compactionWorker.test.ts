import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/TestClock"
import { type LsmOptions, LsmStore, type Store, WriteBatch } from "effect-lsm"
import { pairs } from "../support/bytes.js"
import { captureLogs } from "../support/captureLogs.js"
import { eventually, turn } from "../support/eventually.js"
import { type FaultyStorage, faultyStorage, makeFaultyStorage, type Operation } from "../support/faultyStorage.js"
import { exitOf } from "../support/fiberExits.js"
import { messageMergerLayer, type SimulatedThread } from "../support/simulatedThread.js"

/** Only manual compactions run. They write several tables. */
const tuning: LsmOptions.Tuning = { level0Tables: 1000, tableBytes: 600, blockBytes: 128, durability: "buffered" }

/** Runs `use` with a store that compacts in simulated threads, and with these threads. */
const withThreads = <A, E>(
  storage: FaultyStorage,
  use: (store: Store.Store, threads: ReadonlyArray<SimulatedThread>) => Effect.Effect<A, E>,
  more: LsmOptions.Tuning = {}
) => {
  const threads: Array<SimulatedThread> = []
  const options = { ...tuning, ...more, directory: "/memory" }
  const merger = messageMergerLayer(options, setImmediate, (thread) => threads.push(thread))
  return Effect.flatMap(LsmStore.LsmStore, (store) => use(store, threads)).pipe(
    Effect.provide(LsmStore.layerFromComponents(options)),
    Effect.provide(LsmStore.layerComponents(options, { merger })),
    Effect.provide(storage.layer)
  )
}

/** The same, with compactions in this thread. */
const withoutThreads = <A, E>(storage: FaultyStorage, use: (store: Store.Store) => Effect.Effect<A, E>) =>
  Effect.flatMap(LsmStore.LsmStore, use).pipe(
    Effect.provide(LsmStore.layerFromStorage({ ...tuning, directory: "/memory" })),
    Effect.provide(storage.layer)
  )

const key = (n: number): string => `key ${String(n).padStart(3, "0")}`

/** Writes five overlapping tables of level 0, with tombstones and older versions. */
const fill = (store: Store.Store) =>
  Effect.gen(function* () {
    for (let round = 0; round < 5; round++) {
      const batch = WriteBatch.make()
      for (let n = round * 20; n < round * 20 + 60; n++) batch.put(key(n), `${round}:`.padEnd(20, "v"))
      for (let n = 0; n < 100; n += 7) batch.delete(key(n + round))
      yield* store.write(batch)
      yield* store.flush
    }
  })

const tablesOf = (storage: FaultyStorage) => [...storage.afterPowerCut().keys()].filter((path) => path.endsWith(".sst"))

const isOutput = ({ path }: Operation) => path.endsWith(".sst")

/** Holds every sync of a table until `release`. `reached` waits for the first one. */
const holdTables = (storage: FaultyStorage) => {
  let release = (): void => undefined
  let holds = 0
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  storage.hold = (operation) => {
    if (!isOutput(operation)) return undefined
    holds++
    return released
  }
  const reached = eventually(
    Effect.sync(() => holds),
    (n) => n > 0
  )
  return {
    reached,
    release: () => {
      storage.hold = () => undefined
      release()
    }
  }
}

/** The files of a filled and closed store. */
const image = Effect.gen(function* () {
  const storage = yield* makeFaultyStorage
  yield* withoutThreads(storage, fill)
  return storage.afterPowerCut()
})

describe("compactions in a thread", () => {
  it.effect("write the same tables, statistics and logs as those in the store's own thread", () =>
    Effect.gen(function* () {
      const work = (store: Store.Store) =>
        Effect.gen(function* () {
          yield* fill(store)
          yield* store.compact()
          yield* store.put(key(3), "again")
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* store.snapshot
              yield* store.delete(key(3))
              yield* store.compact()
            })
          )
          yield* store.compact()
          const { levels, written, flushes, compactions } = yield* store.stats
          return { levels, written, flushes, compactions, content: yield* pairs(store.scan()) }
        })
      const outcome = (run: typeof withoutThreads) =>
        Effect.gen(function* () {
          const logs = captureLogs()
          const stats = yield* run(yield* makeFaultyStorage, work).pipe(Effect.provide(logs.layer))
          const compactions = logs.with("compacted").map(({ annotations }) => {
            const { level, outputLevel, reason, bytesRead, bytes, dropped } = annotations
            return { level, outputLevel, reason, bytesRead, bytes, dropped }
          })
          return { stats, compactions }
        })
      let started: ReadonlyArray<SimulatedThread> = []
      const usual = yield* outcome(withoutThreads)
      const threaded = yield* outcome((storage, use) =>
        withThreads(storage, (store, threads) => {
          started = threads
          return use(store)
        })
      )
      expect(threaded).toStrictEqual(usual)
      expect(usual.compactions.length).toBeGreaterThan(2)
      expect(started.length).toBe(1)
    })
  )

  it.effect("do not touch a foreign file with the name of a table", () =>
    Effect.gen(function* () {
      for (const run of [withThreads, withoutThreads]) {
        const storage = yield* makeFaultyStorage
        yield* run(storage, (store) =>
          Effect.gen(function* () {
            yield* fill(store)
            const before = [...storage.afterPowerCut().keys()].filter((path) => /\d{6}/.test(path))
            const highest = Math.max(...before.map((path) => Number(/\d{6}/.exec(path)?.[0])))
            const foreign = Array.from({ length: 60 }, (_, i) => {
              const path = `/memory/${String(highest + 1 + i).padStart(6, "0")}.sst`
              storage.service.driver.create(path).close()
              return path
            })
            expect(yield* Effect.flip(store.compact())).toMatchObject({ _tag: "StorageError", code: "EEXIST" })
            expect(tablesOf(storage)).toEqual(expect.arrayContaining(foreign))
          })
        )
      }
    })
  )

  it.effect("start no thread before there is something to merge", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          yield* store.put("a", "1")
          yield* store.compact()
          expect(threads.length).toBe(0)
        })
      )
    })
  )

  it.effect("report a damaged input as the store's own thread does, and keep the inputs", () =>
    Effect.gen(function* () {
      const files = yield* image
      const [victim] = [...files.keys()].filter((path) => path.endsWith(".sst")).sort()
      files.get(victim!)![100]! ^= 0x10
      const first = yield* faultyStorage({ files })
      const usual = yield* withoutThreads(first, (store) => Effect.flip(store.compact()))
      const second = yield* faultyStorage({ files })
      const before = tablesOf(second).sort()
      const error = yield* withThreads(second, (store) => Effect.flip(store.compact()))
      expect(error).toMatchObject({ _tag: "Corruption", file: victim })
      expect(error).toStrictEqual(usual)
      expect(tablesOf(second).sort()).toStrictEqual(before)
    })
  )

  it.effect("fail on a full disk, leave no output, and succeed when there is room", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage({ files: yield* image })
      const before = tablesOf(storage).sort()
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          storage.room = storage.used() + 1000
          expect(yield* Effect.flip(store.compact())).toMatchObject({ _tag: "DiskFull", operation: "append" })
          expect(tablesOf(storage).sort()).toStrictEqual(before)
          storage.lift()
          const content = yield* pairs(store.scan())
          yield* store.compact()
          expect(yield* pairs(store.scan())).toStrictEqual(content)
          // A storage failure does not end the thread.
          expect(threads.length).toBe(1)
        })
      )
    })
  )

  it.effect("poison the store when one of their syncs fails", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage({ files: yield* image })
      yield* withThreads(
        storage,
        (store) =>
          Effect.gen(function* () {
            storage.inject({ fault: { _tag: "Refuse", code: "EIO" }, on: ["sync"], path: /\.sst$/ })
            yield* eventually(store.stats, ({ poisoned }) => poisoned !== undefined)
            expect((yield* store.stats).poisoned).toContain("EIO")
            expect(yield* Effect.flip(store.put("a", "1"))).toMatchObject({ _tag: "StorePoisoned" })
          }),
        { level0Tables: 5 }
      ).pipe(Effect.provide(captureLogs().layer))
    })
  )

  it.effect("fail if their thread dies, leave only the inputs, and then use another thread", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage({ files: yield* image })
      const before = tablesOf(storage).sort()
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          const content = yield* pairs(store.scan())
          const held = holdTables(storage)
          const compaction = yield* Effect.fork(Effect.flip(store.compact()))
          yield* held.reached
          expect(tablesOf(storage).length).toBeGreaterThan(before.length)
          threads[0]!.kill()
          expect(yield* Fiber.join(compaction)).toMatchObject({
            _tag: "StorageError",
            operation: "merge in a thread",
            path: "/memory",
            code: "EWORKER"
          })
          held.release()
          for (let i = 0; i < 20; i++) yield* turn
          expect(tablesOf(storage).sort()).toStrictEqual(before)
          yield* store.compact()
          expect(threads.length).toBe(2)
          expect(yield* pairs(store.scan())).toStrictEqual(content)
        })
      )
      expect((yield* withoutThreads(storage, (store) => store.stats)).recovery.orphans).toStrictEqual([])
    })
  )

  it.effect("in the background are retried in another thread if theirs dies", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage({ files: yield* image })
      const logs = captureLogs()
      const held = holdTables(storage)
      yield* withThreads(
        storage,
        (store, threads) =>
          Effect.gen(function* () {
            yield* held.reached
            threads[0]!.kill()
            yield* eventually(store.stats, ({ backgroundError }) => backgroundError !== undefined)
            expect((yield* store.stats).backgroundError).toContain("merge in a thread")
            held.release()
            yield* eventually(
              Effect.zipRight(TestClock.adjust("100 millis"), store.stats),
              ({ compactions, backgroundError }) => compactions > 0 && backgroundError === undefined
            )
            expect(threads.length).toBe(2)
          }),
        { level0Tables: 2 }
      ).pipe(Effect.provide(logs.layer))
      expect(logs.above("WARN").map(({ message }) => message)).toStrictEqual(["compaction failed"])
    })
  )

  it.effect("replace a thread that died while it was idle", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage({ files: yield* image })
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          yield* store.compact()
          threads[0]!.kill()
          for (let i = 0; i < 5; i++) yield* turn
          yield* store.put(key(5), "1")
          yield* store.compact()
          expect(threads.length).toBe(2)
        })
      )
    })
  )

  it.effect("stop when they are interrupted, and leave nothing", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage({ files: yield* image })
      const before = tablesOf(storage).sort()
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          const held = holdTables(storage)
          const compaction = yield* Effect.fork(store.compact())
          yield* held.reached
          const interruption = yield* Effect.fork(Fiber.interrupt(compaction))
          for (let i = 0; i < 20; i++) yield* turn
          // The interruption waits for the sync, because its outcome is unknown until it ends.
          expect(exitOf(interruption)).toBeUndefined()
          held.release()
          yield* Fiber.join(interruption)
          expect(tablesOf(storage).sort()).toStrictEqual(before)
          const asked = storage.operations.length
          for (let i = 0; i < 50; i++) yield* turn
          expect(storage.operations.length).toBe(asked)
          yield* store.compact()
          expect(threads.length).toBe(1)
        })
      )
    })
  )

  it.effect("end with the store, as does their thread, and leave no orphan", () =>
    Effect.gen(function* () {
      for (const turns of [0, 1, 2, 3, 5, 8, 13, 21]) {
        const storage = yield* faultyStorage({ files: yield* image })
        let last: SimulatedThread | undefined
        yield* withThreads(storage, (store, threads) =>
          Effect.gen(function* () {
            // Makes the store writable first, which also yields to the event loop.
            yield* store.flush
            yield* Effect.fork(Effect.exit(store.compact()))
            for (let i = 0; i < turns; i++) yield* turn
            last = threads[0]
          })
        )
        if (turns > 3) expect(last, `${turns} turns`).toBeDefined()
        expect(last?.isDead ?? true).toBe(true)
        expect([...storage.open.values()]).toStrictEqual([])
        const { recovery } = yield* withoutThreads(storage, (store) => store.stats)
        expect(recovery.orphans, `${turns} turns`).toStrictEqual([])
      }
    })
  )

  it.effect("give each file a separate number, even during flushes", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      const more = { level0Tables: 2, memtableBytes: 8_500, level1Bytes: 2000, levelRatio: 2 }
      yield* withThreads(
        storage,
        (store) =>
          Effect.forEach(
            Array.from({ length: 30 }, (_, n) => n),
            (n) => Effect.zipRight(store.put(key(n % 9), `${n}`.padEnd(900, "v")), turn),
            { discard: true }
          ).pipe(Effect.zipRight(store.compact())),
        more
      )
      const created = storage.operations.filter(({ operation }) => operation === "create").map(({ path }) => path)
      expect(new Set(created).size).toBe(created.length)
    })
  )
})
