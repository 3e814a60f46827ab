import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { type LsmOptions, LsmStore, type Store } from "effect-lsm"
import { builtLibrary, startedThreads } from "../support/builtStore.js"
import { captureLogs } from "../support/captureLogs.js"
import { spawnChild } from "../support/childProcess.js"
import { eventually } from "../support/eventually.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"

const tuning: LsmOptions.Tuning = { durability: "buffered", level0Tables: 1000, tableBytes: 500_000 }

/** Opens a store of the built library by its defaults, and runs `use` with it. */
const withBuilt = <A, E>(
  directory: string,
  use: (store: Store.Store, library: typeof import("effect-lsm")) => Effect.Effect<A, E>,
  more: Partial<LsmOptions.LsmOptions> = {}
) =>
  Effect.gen(function* () {
    const library = yield* Effect.promise(builtLibrary)
    const store = yield* library.LsmStore.make({ ...tuning, ...more, directory })
    return yield* use(store, library)
  }).pipe(Effect.scoped)

const key = (n: number): string => String(n).padStart(6, "0")

/** Writes some megabytes, every round other values of the same keys. */
const fill = (store: Store.Store, library: typeof import("effect-lsm"), round: number, entries = 3000) =>
  Effect.gen(function* () {
    for (let from = 0; from < entries; from += 500) {
      const batch = library.WriteBatch.make()
      for (let n = from; n < from + 500; n++) {
        if (n % 7 === round % 7) batch.delete(key(n))
        else batch.put(key(n), `${round}:${n}:`.padEnd(1000, "v"))
      }
      yield* store.write(batch)
    }
  })

const contentOf = (store: Store.Store) =>
  Effect.map(store.collect(), (entries) =>
    entries.map(({ key: name, value }) => `${Buffer.from(name)}=${Buffer.from(value)}`.slice(0, 30))
  )

const filesOf = (directory: string, ending: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(ending))
    .sort()

describe("a store's background thread", () => {
  it.scopedLive("starts with the first flush of some size, does all that follows, and ends with the store", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const threads = yield* startedThreads
      const logs = captureLogs()
      let ended = 0
      const content = yield* withBuilt(directory, (store, library) =>
        Effect.gen(function* () {
          yield* store.put("a", "1")
          yield* store.flush
          expect(threads.length).toBe(0)
          for (let round = 0; round < 4; round++) {
            yield* fill(store, library, round)
            yield* store.flush
          }
          expect(threads.length).toBe(1)
          yield* store.put("b", "1")
          yield* store.flush
          yield* store.compact()
          threads[0]!.once("exit", () => ended++)
          return yield* contentOf(store)
        })
      ).pipe(Effect.provide(logs.layer))
      expect([threads.length, ended]).toStrictEqual([1, 1])
      expect(logs.with("started a thread").length).toBe(1)
      expect(logs.above("WARN")).toStrictEqual([])
      const again = yield* withBuilt(directory, (store) =>
        Effect.zip(
          contentOf(store),
          Effect.map(store.stats, ({ recovery }) => recovery.orphans)
        )
      )
      expect(again).toStrictEqual([content, []])
      // The store of the sources has no thread.
      const here = yield* Effect.scoped(Effect.flatMap(LsmStore.make({ directory }), contentOf))
      expect(here).toStrictEqual(content)
    })
  )

  it.scopedLive("starts with small merges only when there were several", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const threads = yield* startedThreads
      yield* withBuilt(directory, (store) =>
        Effect.gen(function* () {
          const merge = Effect.gen(function* () {
            for (let part = 0; part < 3; part++) {
              for (let i = 0; i < 500; i++) yield* store.put(`key ${part} ${i}`, new Uint8Array(1500).fill(i))
              yield* store.flush
            }
            yield* store.compact()
          })
          yield* merge
          expect((yield* store.stats).compactions).toBeGreaterThan(0)
          expect(threads.length).toBe(0)
          for (let i = 0; i < 4; i++) yield* merge
          expect(threads.length).toBe(1)
        })
      )
    })
  )

  it.scopedLive("writes what the store's own thread writes, with snapshots held", () =>
    Effect.gen(function* () {
      const run = (more: LsmOptions.Tuning) =>
        Effect.gen(function* () {
          const directory = yield* temporaryDirectory
          return yield* withBuilt(
            directory,
            (store, library) =>
              Effect.gen(function* () {
                yield* fill(store, library, 0)
                const first = yield* store.snapshot
                yield* fill(store, library, 1)
                const second = yield* store.snapshot
                yield* fill(store, library, 2)
                yield* store.put("large", new Uint8Array(1024 * 1024).fill(7))
                yield* store.put("empty", "")
                yield* store.flush
                const old = yield* Effect.forEach([first, second], (snapshot) =>
                  Effect.map(store.collect({ snapshot }), (entries) =>
                    entries.map(({ value }) => Buffer.from(value).toString().slice(0, 8))
                  )
                )
                const { levels } = yield* store.stats
                return { old, levels, content: yield* contentOf(store) }
              }).pipe(Effect.scoped),
            more
          )
        })
      const threads = yield* startedThreads
      const threaded = yield* run({})
      expect(threads.length).toBe(1)
      expect(yield* run({ backgroundThread: false })).toStrictEqual(threaded)
      expect(threads.length).toBe(1)
    })
  )

  it.scopedLive("that is terminated during a flush leaves it to the store's own thread", () =>
    Effect.gen(function* () {
      for (const delay of [0, 5, 20, 50]) {
        const directory = yield* temporaryDirectory
        const threads = yield* startedThreads
        const logs = captureLogs()
        yield* withBuilt(directory, (store, library) =>
          Effect.gen(function* () {
            yield* fill(store, library, 0)
            const flush = yield* Effect.fork(store.flush)
            yield* eventually(
              Effect.sync(() => threads.length),
              (count) => count > 0
            )
            yield* Effect.sleep(delay)
            yield* Effect.promise(() => threads[0]!.terminate())
            yield* Fiber.join(flush)
            const before = yield* contentOf(store)
            expect((yield* store.stats).levels[0]!.tables).toBe(1)
            expect(filesOf(directory, ".sst").length).toBe(1)
            yield* fill(store, library, 1)
            yield* store.flush
            expect(yield* contentOf(store)).not.toStrictEqual(before)
          })
        ).pipe(Effect.provide(logs.layer))
        expect(logs.above("ERROR")).toStrictEqual([])
        const { recovery } = yield* withBuilt(directory, (store) => store.stats)
        expect(recovery.orphans).toStrictEqual([])
      }
    })
  )

  it.scopedLive("leaves large values in the log, in every life of the store, until they are garbage", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const value = (n: number, round: number) => `${n} in round ${round} `.padEnd(4096, "v")
      const write = (
        store: Store.Store,
        library: typeof import("effect-lsm"),
        round: number,
        keys: ReadonlyArray<number>
      ) =>
        Effect.gen(function* () {
          const batch = library.WriteBatch.make()
          for (const n of keys) batch.put(key(n), value(n, round))
          yield* store.write(batch)
          yield* store.flush
        })
      const all = Array.from({ length: 500 }, (_, n) => n)
      const evens = all.filter((n) => n % 2 === 0)
      const expectContent = (store: Store.Store, roundOf: (n: number) => number) =>
        Effect.gen(function* () {
          const found = yield* store.collect()
          expect(found.map((entry) => Buffer.from(entry.value).toString())).toStrictEqual(
            all.map((n) => value(n, roundOf(n)))
          )
        })
      const { amplification } = yield* withBuilt(directory, (store, library) =>
        Effect.gen(function* () {
          yield* write(store, library, 0, all)
          yield* write(store, library, 1, evens)
          yield* expectContent(store, (n) => (n % 2 === 0 ? 1 : 0))
          return yield* store.stats
        })
      )
      expect(amplification.write).toBeLessThan(1.1)
      expect(filesOf(directory, ".val")).toStrictEqual([])
      const kept = filesOf(directory, ".log")
      expect(kept.length).toBeGreaterThanOrEqual(2)
      yield* withBuilt(directory, (store, library) =>
        Effect.gen(function* () {
          const { recovery, valueFiles } = yield* store.stats
          expect(recovery.orphans).toStrictEqual([])
          expect([valueFiles.count, valueFiles.liveBytes]).toStrictEqual([2, 750 * 4096])
          yield* expectContent(store, (n) => (n % 2 === 0 ? 1 : 0))
          // The values of round 0 that are left are a half of its segment, which is collected.
          yield* store.compact()
          yield* expectContent(store, (n) => (n % 2 === 0 ? 1 : 0))
          expect((yield* store.stats).valueFiles).toMatchObject({ count: 2, liveBytes: 500 * 4096 })
          expect(filesOf(directory, ".log")).not.toContain(kept[0])
          yield* store.put(key(0), value(0, 2))
          expect(filesOf(directory, ".val").length).toBe(1)
          yield* Effect.forEach(all, (n) => store.delete(key(n)), { discard: true })
          yield* store.compact()
          expect((yield* store.stats).valueFiles.count).toBe(0)
          expect(filesOf(directory, ".val")).toStrictEqual([])
          yield* write(store, library, 3, all)
        })
      )
      yield* withBuilt(
        directory,
        (store) =>
          Effect.gen(function* () {
            yield* expectContent(store, () => 3)
            expect((yield* store.stats).recovery.orphans).toStrictEqual([])
          }),
        { readOnly: true }
      )
    })
  )

  it.scopedLive("leaves a memtable to the store if its log segment was damaged on disk", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const logs = captureLogs()
      const content = yield* withBuilt(directory, (store, library) =>
        Effect.gen(function* () {
          yield* fill(store, library, 0)
          const segment = join(directory, filesOf(directory, ".log")[0]!)
          const bytes = readFileSync(segment)
          bytes[1_000_000]! ^= 1
          writeFileSync(segment, bytes, { flag: "r+" })
          yield* store.flush
          return yield* contentOf(store)
        })
      ).pipe(Effect.provide(logs.layer))
      expect(content.length).toBe(3000 - 429)
      expect(logs.above("WARN").map(({ message }) => message)).toStrictEqual([
        "a log segment cannot be read back: its memtable is flushed in this thread"
      ])
      expect(yield* withBuilt(directory, contentOf)).toStrictEqual(content)
    })
  )

  it.scopedLive("gives up its work when the store closes, and nothing is lost", () =>
    Effect.gen(function* () {
      for (const delay of [0, 10, 60]) {
        const directory = yield* temporaryDirectory
        yield* withBuilt(directory, (store, library) =>
          Effect.gen(function* () {
            yield* fill(store, library, 0)
            yield* Effect.fork(Effect.exit(store.flush))
            yield* Effect.sleep(delay)
          })
        )
        yield* withBuilt(directory, (store) =>
          Effect.gen(function* () {
            expect((yield* contentOf(store)).length, `${delay} ms`).toBe(3000 - 429)
            expect((yield* store.stats).recovery.orphans).toStrictEqual([])
          })
        )
      }
    })
  )

  it.scopedLive("is not there in a store of the sources, which says so once and works", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const threads = yield* startedThreads
      const logs = captureLogs()
      const library = yield* Effect.promise(() => import("effect-lsm"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* LsmStore.make({ ...tuning, directory })
          for (let round = 0; round < 2; round++) {
            yield* fill(store, library, round)
            yield* store.flush
          }
          yield* store.compact()
        })
      ).pipe(Effect.provide(logs.layer))
      expect(threads.length).toBe(0)
      expect(logs.with("flushes and compactions run in this thread").length).toBe(1)
      expect(logs.above("WARN")).toStrictEqual([])
    })
  )

  it.scopedLive("keeps a process alive only while it works", () =>
    Effect.gen(function* () {
      const child = yield* spawnChild(["flush by default", yield* temporaryDirectory])
      expect([yield* child.line, yield* child.line, yield* child.line]).toStrictEqual(["flushed 4000", "idle", ""])
    })
  )
})
