import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { type LsmOptions, LsmStore, Storage, type Store, WriteBatch } from "effect-lsm"
import { delegate } from "../crash/patches.js"
import { pairs } from "../support/bytes.js"
import { captureLogs } from "../support/captureLogs.js"
import { eventually, turn } from "../support/eventually.js"
import { type FaultyStorage, faultyStorage, makeFaultyStorage, type Operation } from "../support/faultyStorage.js"
import { exitOf } from "../support/fiberExits.js"
import { checkAsync } from "../support/property.js"
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
const withoutThreads = <A, E>(
  storage: FaultyStorage,
  use: (store: Store.Store) => Effect.Effect<A, E>,
  more: LsmOptions.Tuning = {}
) =>
  Effect.flatMap(LsmStore.LsmStore, use).pipe(
    Effect.provide(LsmStore.layerFromStorage({ ...tuning, ...more, directory: "/memory" })),
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

  it.effect("start no thread before there is something to flush or to merge", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          yield* store.compact()
          yield* store.put("a", "1")
          expect(threads.length).toBe(0)
          yield* store.flush
          expect(threads.length).toBe(1)
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

/** A write of a random workload. Undefined deletes. */
type Write = readonly [key: number, valueBytes: number | undefined]

const anyWrite: FastCheck.Arbitrary<Write> = FastCheck.tuple(
  FastCheck.nat(40),
  FastCheck.oneof(
    { weight: 4, arbitrary: FastCheck.nat(60) },
    { weight: 2, arbitrary: FastCheck.constant(undefined) },
    { weight: 1, arbitrary: FastCheck.constantFrom(0, 5000, 70_000, 1024 * 1024) }
  )
)

type Action =
  | { readonly do: "write"; readonly writes: ReadonlyArray<Write>; readonly durability: LsmOptions.Durability }
  | { readonly do: "flush" | "compact" | "snapshot" | "release" }

const anyAction: FastCheck.Arbitrary<Action> = FastCheck.oneof(
  {
    weight: 8,
    arbitrary: FastCheck.record({
      do: FastCheck.constant("write" as const),
      writes: FastCheck.array(anyWrite, { minLength: 1, maxLength: 12 }),
      durability: FastCheck.constantFrom<LsmOptions.Durability>("sync", "buffered", { interval: "1 hour" })
    })
  },
  { weight: 3, arbitrary: FastCheck.constant<Action>({ do: "flush" }) },
  { weight: 3, arbitrary: FastCheck.constantFrom<Action>({ do: "snapshot" }, { do: "release" }) },
  { weight: 1, arbitrary: FastCheck.constant<Action>({ do: "compact" }) }
)

/** Does the actions, and returns what all snapshots and the store hold after each flush. */
const perform = (store: Store.Store, actions: ReadonlyArray<Action>) =>
  Effect.gen(function* () {
    const snapshots: Array<readonly [Store.Snapshot, Scope.CloseableScope]> = []
    const seen: Array<unknown> = []
    let round = 0
    for (const action of actions) {
      if (action.do === "write") {
        const batch = WriteBatch.make()
        for (const [n, bytes] of action.writes) {
          if (bytes === undefined) batch.delete(key(n))
          else batch.put(key(n), new Uint8Array(bytes).fill(++round))
        }
        yield* store.write(batch, { durability: action.durability })
      } else if (action.do === "snapshot") {
        const scope = yield* Scope.make()
        snapshots.push([yield* Scope.extend(store.snapshot, scope), scope])
      } else if (action.do === "release") {
        const oldest = snapshots.shift()
        if (oldest !== undefined) yield* Scope.close(oldest[1], Exit.void)
      } else {
        yield* action.do === "flush" ? store.flush : store.compact()
        for (const snapshot of [undefined, ...snapshots.map(([one]) => one)]) {
          const entries = yield* store.collect(snapshot === undefined ? {} : { snapshot })
          seen.push(entries.map(({ key: name, value }) => [Buffer.from(name).toString(), value.length, value[0]]))
        }
      }
    }
    for (const [, scope] of snapshots) yield* Scope.close(scope, Exit.void)
    return seen
  })

/** A storage whose reads of log segments have the byte at `at` flipped while the damage lasts. */
const damagedReads = (storage: FaultyStorage, at: number) => {
  let isDamaged = false
  const { driver } = storage.service
  const openRead = (path: string) => {
    const file = driver.openRead(path)
    if (!isDamaged || !path.endsWith(".log")) return file
    return delegate(file, {
      read: (target, offset, length, position) => {
        const n = file.read(target, offset, length, position)
        const place = offset + at - position
        if (at >= position && at < position + n) target[place] = target[place]! ^ 1
        return n
      }
    })
  }
  const service = { ...storage.service, driver: { ...driver, openRead } }
  return {
    storage: { ...storage, service, layer: Layer.succeed(Storage.Storage, service) },
    begin: () => {
      isDamaged = true
    },
    end: () => {
      isDamaged = false
    }
  }
}

const logsOf = (storage: FaultyStorage) => [...storage.afterPowerCut().keys()].filter((path) => path.endsWith(".log"))

describe("flushes in a thread", () => {
  it.effect("compress as the store is asked to", () =>
    Effect.gen(function* () {
      const bytesWith = (run: typeof withThreads | typeof withoutThreads, compression: LsmOptions.Compression) =>
        Effect.gen(function* () {
          const storage = yield* makeFaultyStorage
          const batch = WriteBatch.make()
          for (let i = 0; i < 2000; i++) batch.put(`key${10_000 + i}`, `value ${i % 100} of ${i}`.repeat(3))
          const work = (store: Store.Store) =>
            Effect.gen(function* () {
              yield* store.write(batch)
              yield* store.flush
              const flushed = yield* store.stats
              yield* store.compact()
              return [flushed.tableBytes, (yield* store.stats).tableBytes]
            })
          return yield* run(storage, work, { compression })
        })
      const sizes = new Set<number>()
      for (const codec of ["none", "lz4", "deflate"] as const) {
        const threaded = yield* bytesWith(withThreads, codec)
        expect(threaded).toStrictEqual(yield* bytesWith(withoutThreads, codec))
        sizes.add(threaded[0]!)
      }
      expect(sizes.size).toBe(3)
    })
  )

  it.effect("write the same tables as those in the store's own thread", () =>
    Effect.promise(() =>
      checkAsync(
        FastCheck.asyncProperty(
          FastCheck.array(anyAction, { maxLength: 25, size: "max" }),
          FastCheck.boolean(),
          (actions, isSmall) => {
            const more: LsmOptions.Tuning = { tableBytes: 1024 * 1024, blockBytes: 512, compression: "none" }
            const tuned = isSmall ? { ...more, memtableBytes: 64 * 1024 } : more
            const outcome = (run: typeof withoutThreads) =>
              Effect.gen(function* () {
                const storage = yield* makeFaultyStorage
                const logs = captureLogs()
                const work = (store: Store.Store) => perform(store, [...actions, { do: "flush" }])
                const seen = yield* Effect.provide(run(storage, work, tuned), logs.layer)
                // Nothing was done in another way than it should be.
                expect(logs.above("WARN")).toStrictEqual([])
                if (isSmall) return { seen }
                const tables = [...storage.afterPowerCut()].filter(([path]) => path.endsWith(".sst"))
                // File numbers differ, and each store has an id of its own, so checksums differ.
                return { seen, tables: tables.map(([, bytes]) => bytes.length).sort() }
              }).pipe(Effect.runPromise)
            return Promise.all([outcome(withThreads), outcome(withoutThreads)]).then(([threaded, usual]) => {
              expect(threaded).toStrictEqual(usual)
            })
          }
        ),
        25
      )
    )
  )

  it.effect("leave the memtable's content as it is, and remove its log segment afterwards", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          yield* store.put("a", "1")
          const before = logsOf(storage)
          const held = holdTables(storage)
          const flush = yield* Effect.fork(store.flush)
          yield* held.reached
          expect(logsOf(storage)).toEqual(expect.arrayContaining(before))
          expect(yield* pairs(store.scan())).toStrictEqual([["a", "1"]])
          yield* store.put("b", "2")
          held.release()
          yield* Fiber.join(flush)
          yield* eventually(
            Effect.sync(() => logsOf(storage)),
            (logs) => logs.every((log) => !before.includes(log))
          )
          expect(yield* pairs(store.scan())).toStrictEqual([
            ["a", "1"],
            ["b", "2"]
          ])
          expect(threads.length).toBe(1)
        })
      )
    })
  )

  it.effect("do not wait for a merge that is under way", () =>
    Effect.gen(function* () {
      const storage = yield* faultyStorage({ files: yield* image })
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          const held = holdTables(storage)
          const compaction = yield* Effect.fork(store.compact())
          yield* held.reached
          const merging = tablesOf(storage)
          storage.hold = () => undefined
          yield* store.put("z", "1")
          yield* store.flush
          expect(tablesOf(storage).length).toBe(merging.length + 1)
          expect(exitOf(compaction)).toBeUndefined()
          held.release()
          yield* Fiber.join(compaction)
          expect(threads.length).toBe(1)
        })
      )
    })
  )

  it.effect("use no thread for what was replayed from the log", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withoutThreads(storage, (store) => store.put("a", "1"))
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          yield* store.put("b", "2")
          yield* store.flush
          expect(threads.length).toBe(0)
          yield* store.put("c", "3")
          yield* store.flush
          expect(threads.length).toBe(1)
          expect((yield* pairs(store.scan())).length).toBe(3)
        })
      )
    })
  )

  it.effect("are done from memory if the log segment was damaged after it was written", () =>
    Effect.gen(function* () {
      for (const at of [5, 20, 40, 100, 300, 900]) {
        const storage = yield* makeFaultyStorage
        const damage = damagedReads(storage, at)
        const logs = captureLogs()
        yield* withThreads(damage.storage, (store) =>
          Effect.gen(function* () {
            for (let n = 0; n < 50; n++) yield* store.put(key(n), `${n}`)
            damage.begin()
            yield* store.flush
            damage.end()
            expect((yield* pairs(store.scan())).length).toBe(50)
            expect((yield* store.stats).levels[0]!.tables).toBe(1)
          })
        ).pipe(Effect.provide(logs.layer))
        expect(logs.above("WARN").map(({ message }) => message)).toStrictEqual([
          "a log segment cannot be read back: its memtable is flushed in this thread"
        ])
        const content = yield* withoutThreads(storage, (store) => pairs(store.scan()))
        expect(content.length).toBe(50)
      }
    })
  )

  it.effect("are done from memory if the log segment cannot be read", () =>
    Effect.gen(function* () {
      for (const on of ["open", "read"] as const) {
        const storage = yield* makeFaultyStorage
        const logs = captureLogs()
        yield* withThreads(storage, (store) =>
          Effect.gen(function* () {
            yield* store.put("a", "1")
            storage.inject({ fault: { _tag: "Refuse", code: "EIO" }, on: [on], path: /\.log$/ })
            yield* store.flush
            storage.lift()
            expect((yield* store.stats).levels[0]!.tables).toBe(1)
            expect((yield* store.stats).poisoned).toBeUndefined()
          })
        ).pipe(Effect.provide(logs.layer))
        expect(logs.above("WARN").length).toBe(1)
      }
    })
  )

  it.effect("are done in the store's own thread if theirs dies, and the next one uses another", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      const logs = captureLogs()
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          yield* store.put("a", "1")
          const held = holdTables(storage)
          const flush = yield* Effect.fork(store.flush)
          yield* held.reached
          threads[0]!.kill()
          held.release()
          yield* Fiber.join(flush)
          expect(tablesOf(storage).length).toBe(1)
          yield* store.put("b", "2")
          yield* store.flush
          expect(threads.length).toBe(2)
          expect((yield* pairs(store.scan())).length).toBe(2)
        })
      ).pipe(Effect.provide(logs.layer))
      expect(logs.above("WARN").map(({ message }) => message)).toStrictEqual([
        "the background thread died: its work is done in this thread"
      ])
      expect((yield* withoutThreads(storage, (store) => store.stats)).recovery.orphans).toStrictEqual([])
    })
  )

  it.effect("fail on a full disk, leave no table, and succeed when there is room", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withThreads(storage, (store, threads) =>
        Effect.gen(function* () {
          for (let n = 0; n < 100; n++) yield* store.put(key(n), "v".repeat(100))
          storage.refuse = ({ operation, path }) =>
            operation === "append" && path.endsWith(".sst") ? "ENOSPC" : undefined
          expect(yield* Effect.flip(store.flush)).toMatchObject({ _tag: "DiskFull", operation: "append" })
          expect(tablesOf(storage)).toStrictEqual([])
          storage.lift()
          yield* store.flush
          expect((yield* pairs(store.scan())).length).toBe(100)
          expect(threads.length).toBe(1)
        })
      ).pipe(Effect.provide(captureLogs().layer))
    })
  )

  it.effect("poison the store when a sync of theirs fails", () =>
    Effect.gen(function* () {
      const storage = yield* makeFaultyStorage
      yield* withThreads(storage, (store) =>
        Effect.gen(function* () {
          yield* store.put("a", "1")
          storage.inject({ fault: { _tag: "Refuse", code: "EIO" }, on: ["sync"], path: /\.sst$/ })
          yield* Effect.exit(store.flush)
          expect((yield* store.stats).poisoned).toContain("EIO")
          expect(yield* Effect.flip(store.put("a", "1"))).toMatchObject({ _tag: "StorePoisoned" })
        })
      ).pipe(Effect.provide(captureLogs().layer))
      storage.lift()
      expect(yield* withoutThreads(storage, (store) => pairs(store.scan()))).toStrictEqual([["a", "1"]])
    })
  )

  it.effect("end with the store at any moment, and leave no orphan", () =>
    Effect.gen(function* () {
      for (const turns of [0, 1, 2, 3, 5, 8, 13, 21]) {
        const storage = yield* makeFaultyStorage
        let last: SimulatedThread | undefined
        yield* withThreads(storage, (store, threads) =>
          Effect.gen(function* () {
            for (let n = 0; n < 100; n++) yield* store.put(key(n), "v".repeat(1000))
            yield* Effect.fork(Effect.exit(store.flush))
            for (let i = 0; i < turns; i++) yield* turn
            last = threads[0]
          })
        )
        expect(last?.isDead ?? true).toBe(true)
        expect([...storage.open.values()]).toStrictEqual([])
        yield* withoutThreads(storage, (store) =>
          Effect.gen(function* () {
            expect((yield* store.stats).recovery.orphans, `${turns} turns`).toStrictEqual([])
            expect((yield* pairs(store.scan())).length).toBe(100)
          })
        )
      }
    })
  )
})
