import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { Worker as NodeThread, type ResourceLimits } from "node:worker_threads"
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { type LsmOptions, LsmStore, Storage, type Store, WriteBatch } from "effect-lsm"
import * as CompactionWorker from "effect-lsm/CompactionWorker"
import { builtFile } from "../support/builtPrograms.js"
import { pairs } from "../support/bytes.js"
import { spawnChild } from "../support/childProcess.js"
import { extremes } from "../support/configurations.js"
import { eventually } from "../support/eventually.js"
import { type Place, withStore } from "../support/places.js"
import { temporaryDirectory } from "../support/temporaryDirectory.js"
import { testStore } from "../support/testStore.js"

/** A place on disk whose stores compact in threads of the built program. */
const threaded = (program: () => string, threads: Array<NodeThread> = [], resourceLimits: ResourceLimits = {}) =>
  Effect.map(
    temporaryDirectory,
    (directory): Place => ({
      directory,
      open: (tuning) => {
        const options = { ...tuning, directory }
        const platform = NodeWorker.layerPlatform(() => {
          const thread = new NodeThread(pathToFileURL(program()), { resourceLimits })
          threads.push(thread)
          return thread
        })
        const merger = Layer.provide(CompactionWorker.layerPlatform(options), platform)
        return LsmStore.layerFromComponents(options).pipe(
          Layer.provide(LsmStore.layerComponents(options, { merger })),
          Layer.provide(Storage.layer)
        )
      }
    })
  )

const built = () => builtFile("internal/thread/compactionThread.js")

testStore("a store on disk that compacts in a thread", threaded(built), extremes["many levels"])

/** Only manual compactions run. */
const tuning: LsmOptions.Tuning = { level0Tables: 1000, durability: "buffered", tableBytes: 100_000 }

/** Writes overlapping tables of some megabytes. */
const fill = (store: Store.Store, tables = 4, entries = 20_000) =>
  Effect.gen(function* () {
    for (let table = 0; table < tables; table++) {
      const batch = WriteBatch.make()
      for (let n = table; n < entries; n += 2) batch.put(String(n).padStart(6, "0"), `${table}`.padEnd(100, "."))
      yield* store.write(batch)
      yield* store.flush
    }
  })

const tablesOf = (directory: string) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".sst"))
    .sort()

/** Waits until the thread has begun its work: it has created a table. */
const underWay = (directory: string, before: number) =>
  eventually(
    Effect.sync(() => tablesOf(directory).length),
    (tables) => tables > before
  )

describe("a compaction thread", () => {
  it.scopedLive("that is terminated during its work leaves the inputs, and another thread does the work", () =>
    Effect.gen(function* () {
      const threads: Array<NodeThread> = []
      const place = yield* threaded(built, threads)
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* fill(store)
            const content = yield* pairs(store.scan())
            const before = tablesOf(place.directory)
            const compaction = yield* Effect.fork(Effect.flip(store.compact()))
            yield* underWay(place.directory, before.length)
            yield* Effect.promise(() => threads[0]!.terminate())
            expect(yield* Fiber.join(compaction)).toMatchObject({
              _tag: "StorageError",
              operation: "merge in a thread",
              code: "EWORKER"
            })
            expect(tablesOf(place.directory)).toStrictEqual(before)
            yield* store.compact()
            expect(threads.length).toBe(2)
            expect(yield* pairs(store.scan())).toStrictEqual(content)
          }),
        tuning
      )
      const { recovery } = yield* withStore(place, (store) => store.stats, tuning)
      expect(recovery.orphans).toStrictEqual([])
    })
  )

  it.scopedLive("drops an interrupted compaction, and ends with the store", () =>
    Effect.gen(function* () {
      const threads: Array<NodeThread> = []
      let ended = 0
      const place = yield* threaded(built, threads)
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* fill(store)
            const before = tablesOf(place.directory)
            const compaction = yield* Effect.fork(store.compact())
            yield* underWay(place.directory, before.length)
            yield* Fiber.interrupt(compaction)
            expect(tablesOf(place.directory)).toStrictEqual(before)
            threads[0]!.prependListener("exit", () => ended++)
            yield* Effect.fork(Effect.exit(store.compact()))
            yield* underWay(place.directory, before.length)
          }),
        tuning
      )
      expect([threads.length, ended]).toStrictEqual([1, 1])
      const { recovery } = yield* withStore(place, (store) => store.stats, tuning)
      expect(recovery.orphans).toStrictEqual([])
    })
  )

  it.scopedLive("that runs out of memory reports it, and loses only its work", () =>
    Effect.gen(function* () {
      const place = yield* threaded(built, [], { maxOldGenerationSizeMb: 4, maxYoungGenerationSizeMb: 1 })
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* fill(store, 2, 1000)
            const before = tablesOf(place.directory)
            expect(yield* Effect.flip(store.compact())).toMatchObject({
              operation: "merge in a thread",
              code: "ERR_WORKER_OUT_OF_MEMORY"
            })
            expect(tablesOf(place.directory)).toStrictEqual(before)
            expect(yield* store.count()).toBe(1000)
          }),
        tuning
      )
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None))
  )

  it.scopedLive("whose program is missing fails, and does not wait forever", () =>
    Effect.gen(function* () {
      const place = yield* threaded(() => "/nowhere/compactionThread.js")
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* fill(store, 2, 100)
            expect(yield* Effect.flip(store.compact())).toMatchObject({
              operation: "merge in a thread",
              code: "MODULE_NOT_FOUND"
            })
          }),
        tuning
      )
    })
  )

  it.scopedLive("that cannot be made fails with what the platform threw, and the next one does the work", () =>
    Effect.gen(function* () {
      let attempts = 0
      let isRefused = true
      const place = yield* threaded(() => {
        attempts++
        if (isRefused) throw Object.assign(new Error("no more threads"), { code: "ERR_WORKER_INIT_FAILED" })
        return built()
      })
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* fill(store, 2, 100)
            const content = yield* pairs(store.scan())
            expect(yield* Effect.flip(store.compact())).toMatchObject({
              _tag: "StorageError",
              operation: "merge in a thread",
              code: "ERR_WORKER_INIT_FAILED"
            })
            // Both flushes have tried, and were done in the store's own thread.
            expect(attempts).toBe(3)
            isRefused = false
            yield* store.compact()
            expect(attempts).toBe(4)
            expect(yield* pairs(store.scan())).toStrictEqual(content)
          }),
        tuning
      )
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None))
  )

  it.scopedLive("does not touch another directory at the store's path", () =>
    Effect.gen(function* () {
      const place = yield* threaded(built)
      const aside = `${place.directory}-renamed`
      const names = (directory: string) => readdirSync(directory).filter((name) => !name.startsWith("LOCK"))
      yield* withStore(
        place,
        (store) =>
          Effect.gen(function* () {
            yield* fill(store, 3, 100)
            // The last flush removes its segment after it has returned.
            yield* eventually(
              Effect.sync(() => names(place.directory).filter((name) => name.endsWith(".log")).length),
              (segments) => segments === 2
            )
            renameSync(place.directory, aside)
            mkdirSync(place.directory)
            for (const name of names(aside)) cpSync(`${aside}/${name}`, `${place.directory}/${name}`)
            const before = tablesOf(place.directory)
            expect(yield* Effect.flip(store.compact())).toMatchObject({ operation: "lock", code: "ESTALE" })
            expect(yield* Effect.flip(store.put("a", "b"))).toMatchObject({ _tag: "StorePoisoned" })
            expect(tablesOf(place.directory)).toStrictEqual(before)
          }),
        tuning
      )
      rmSync(place.directory, { recursive: true })
      renameSync(aside, place.directory)
      yield* withStore(place, (store) => Effect.map(store.count(), (count) => expect(count).toBe(100)), tuning)
    }).pipe(Logger.withMinimumLogLevel(LogLevel.None))
  )

  it.scopedLive("keeps a process alive only while it works", () =>
    Effect.gen(function* () {
      const child = yield* spawnChild(["compact in a thread", yield* temporaryDirectory])
      expect([yield* child.line, yield* child.line, yield* child.line]).toStrictEqual(["compacted 20000", "idle", ""])
    })
  )
})
