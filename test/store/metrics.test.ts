import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type LsmOptions, LsmStore, Metrics, type Store, WriteBatch } from "effect-lsm"
import { eventually, turn } from "../support/eventually.js"
import { makeFaultyStorage } from "../support/faultyStorage.js"
import { memory, type Place, withStore } from "../support/places.js"
import { countOf, registeredMetrics } from "../support/telemetry.js"

let stores = 0

/** Opens a store with a unique name, so that it shares its metrics with no other store. */
const named = <A, E, R>(
  use: (store: Store.Store, name: string) => Effect.Effect<A, E, R>,
  tuning: LsmOptions.Tuning = {}
) => {
  const name = `metrics "${++stores}"\\\n`
  return Effect.flatMap(memory, (place: Place) =>
    withStore(place, (store) => use(store, name), { ...tuning, name, latencySampling: 1 })
  )
}

describe("metrics", () => {
  it.effect("count operations, hits and misses", () =>
    named((store, name) =>
      Effect.gen(function* () {
        for (let i = 0; i < 10; i++) yield* store.put(`k${i}`, "12345678")
        yield* store.delete("k9")
        yield* store.write(WriteBatch.make().put("x", "1").put("y", "2").delete("z"))
        for (const key of ["k0", "k1", "nowhere", "k9"]) yield* store.get(key)
        yield* store.flush
        yield* store.put("k0", "again")
        yield* store.has("k0")
        yield* store.getMany(["k1", "k2", "nowhere"])
        yield* store.getString("k9")
        yield* Stream.runDrain(store.scan())
        yield* store.cursor().pipe(Effect.scoped)
        const stats = yield* store.stats
        expect(stats.operations).toStrictEqual({ puts: 13, deletes: 2, batches: 1, gets: 9, scans: 2 })
        expect(stats.reads).toMatchObject({ memtableHits: 4, tableHits: 3, misses: 2, byLevel: [3, 0, 0, 0, 0, 0, 0] })
        expect(stats.written.user).toBe(10 * 10 + 2 + 5 + 7)
        expect(stats.flushes).toBe(1)
        expect(stats.written.flush).toBe(stats.tableBytes)
        expect(stats.levels[0]).toMatchObject({ tables: 1, entries: 13, deletions: 2 })
        expect(stats.amplification.write).toBeCloseTo(
          (stats.written.log + stats.written.flush) / stats.written.user,
          10
        )
        expect(yield* countOf(Metrics.puts, name)).toBe(13)
        expect(yield* countOf(Metrics.gets, name)).toBe(9)
        expect(yield* countOf(Metrics.memtableHits, name)).toBe(4)
        expect(yield* countOf(Metrics.getLatency, name)).toBe(6)
        expect(yield* countOf(Metrics.putLatency, name)).toBe(11)
        expect(yield* countOf(Metrics.flushDuration, name)).toBe(1)
      })
    )
  )

  it.effect("count what the filters and the cache do", () =>
    named(
      (store) =>
        Effect.gen(function* () {
          const batch = WriteBatch.make()
          for (let i = 0; i < 2000; i++) batch.put(`there ${i}`, "v".repeat(20))
          yield* store.write(batch)
          yield* store.compact()
          for (let i = 0; i < 2000; i++) yield* store.get(`there ${i}`)
          for (let i = 0; i < 2000; i++) yield* store.get(`there 1x${i}`)
          const { cache, filter, reads } = yield* store.stats
          // After 256 keys that were found, the filter is skipped until a key is missing.
          expect(filter.checks).toBe(256 + 1999)
          expect(filter.negatives + filter.falsePositives).toBe(1999)
          expect(filter.falsePositiveRate).toBe(filter.falsePositives / 1999)
          expect(filter.falsePositiveRate).toBeLessThan(0.03)
          expect(reads).toMatchObject({ tableHits: 2000, misses: 2000, byLevel: [0, 2000, 0, 0, 0, 0, 0] })
          expect(cache.hits + cache.misses + cache.entryHits).toBe(2001 + filter.falsePositives)
          expect(cache.misses).toBeLessThan(100)
          expect(cache.hitRate).toBeGreaterThan(0.9)
        }),
      { filterFalsePositiveRate: 0.01 }
    )
  )

  it.effect("count syncs, and the records that share them", () =>
    named((store) =>
      Effect.gen(function* () {
        for (let i = 0; i < 10; i++) yield* store.put("k", String(i))
        const alone = (yield* store.stats).log
        expect(alone).toMatchObject({ syncs: 10, syncedRecords: 10 })
        yield* Effect.forEach(
          Array.from({ length: 64 }, (_, i) => `c${i}`),
          (key) => store.put(key, "v"),
          { concurrency: "unbounded", discard: true }
        )
        const { syncedRecords, syncs } = (yield* store.stats).log
        expect(syncedRecords).toBe(74)
        expect(syncs - alone.syncs).toBeLessThan(6)
      })
    )
  )

  it.effect("are exported in the Prometheus text format", () =>
    named((store, name) =>
      Effect.gen(function* () {
        for (let i = 0; i < 5; i++) yield* store.put(`k${i}`, "v")
        yield* store.flush
        yield* store.compact()
        yield* store.get("k1")
        const text = yield* store.prometheus
        const label = `store="${name.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")}"`
        expect(text.endsWith("\n")).toBe(true)
        expect(text).toContain(`lsm_puts_total{${label}} 5\n`)
        expect(text).toContain(`# TYPE lsm_puts_total counter\n`)
        expect(text).toContain(`lsm_level_tables{${label},level="1"} 1\n`)
        const lines = text.trimEnd().split("\n")
        const types = new Map<string, string>()
        let family = ""
        for (const line of lines) {
          const comment = /^# (HELP|TYPE) (lsm_[a-z_0-9]+) (.+)$/.exec(line)
          if (comment !== null) {
            if (comment[1] === "TYPE") {
              // Each family appears once, in one piece.
              expect(types.has(comment[2]!), line).toBe(false)
              family = comment[2]!
              types.set(family, comment[3]!)
            }
            continue
          }
          const sample = /^(lsm_[a-z_0-9]+)\{(.+)\} (\S+)$/.exec(line)
          expect(sample, line).not.toBeNull()
          expect(sample![1]!.replace(/_(bucket|sum|count)$/, ""), line).toBe(family.replace(/_(bucket|sum|count)$/, ""))
          expect(Number.isFinite(Number(sample![3])), line).toBe(true)
        }
        expect(types.get("lsm_put_duration_seconds")).toBe("histogram")
        const buckets = lines.filter((line) => line.startsWith("lsm_put_duration_seconds_bucket"))
        const bounds = buckets.map((line) => /le="([^"]+)"/.exec(line)![1]!.replace("+Inf", "Infinity")).map(Number)
        expect(bounds.at(-1)).toBe(Number.POSITIVE_INFINITY)
        expect(bounds).toStrictEqual([...bounds].sort((a, b) => a - b))
        const counts = buckets.map((line) => Number(line.slice(line.lastIndexOf(" "))))
        expect(counts).toStrictEqual([...counts].sort((a, b) => a - b))
        expect(counts.at(-1)).toBe(5)
        expect(text).toContain(`lsm_put_duration_seconds_count{${label}} 5\n`)
      })
    )
  )

  it.effect("are separate for each store", () =>
    named((one) =>
      named((other) =>
        Effect.gen(function* () {
          yield* one.put("k", "v")
          expect((yield* one.stats).operations.puts).toBe(1)
          expect((yield* other.stats).operations.puts).toBe(0)
          expect(yield* other.prometheus).not.toMatch(/lsm_puts_total\{[^}]*\} 1\n/)
        })
      )
    )
  )
})

/** The metrics in Effect's registry for stores of this name. */
const registered = (name: string) => registeredMetrics().filter(({ labels }) => labels.get("store") === name)

/** The value of a gauge or a counter as an exporter sees it, summed over the levels. */
const seen = (name: string, metric: string): number | undefined => {
  const found = registered(name).filter((one) => one.name === metric)
  return found.length === 0 ? undefined : found.reduce((n, { value = 0 }) => n + value, 0)
}

describe("gauges", () => {
  it.scoped("are up to date without a call of stats", () =>
    Effect.gen(function* () {
      const name = "gauges that show"
      const store = yield* LsmStore.makeMemory({ name, memtableBytes: 100_000, durability: "buffered" })
      expect(seen(name, "lsm_memtable_bytes")).toBeUndefined()
      yield* store.put("a", "1")
      yield* turn
      const before = seen(name, "lsm_memtable_bytes")!
      expect(before).toBeGreaterThan(0)
      yield* store.put("b", "x".repeat(50_000))
      expect(seen(name, "lsm_memtable_bytes")).toBeGreaterThanOrEqual(before + 50_000)
      expect(seen(name, "lsm_level_tables")).toBe(0)
      yield* store.flush
      expect(seen(name, "lsm_level_tables")).toBe(1)
      expect(seen(name, "lsm_memtable_bytes")).toBeLessThan(before + 50_000)
      yield* store.get("a")
      yield* store.get("b")
      const stats = yield* store.stats
      expect(seen(name, "lsm_level_bytes")).toBe(stats.tableBytes)
      expect(seen(name, "lsm_cache_misses_total")).toBe(stats.cache.misses)
      expect(seen(name, "lsm_cache_hits_total")).toBe(stats.cache.hits)
      expect(seen(name, "lsm_cache_bytes")).toBe(stats.memory.blockCache)
      expect(seen(name, "lsm_filter_checks_total")).toBe(stats.filter.checks)
      for (const kind of ["write", "read", "space"] as const) {
        expect(seen(name, `lsm_${kind}_amplification`), kind).toBe(stats.amplification[kind])
      }
    })
  )

  it.scoped("and counters are removed when the store closes or fails to open", () =>
    Effect.gen(function* () {
      const before = registeredMetrics().length
      for (let i = 0; i < 5; i++) {
        const name = `one of many names ${i}`
        const use = (store: Store.Store) =>
          Effect.gen(function* () {
            yield* store.put("a", "1")
            yield* store.get("a")
            yield* store.flush
            yield* store.compact()
            expect(yield* store.prometheus).toContain("lsm_level_bytes")
            expect(registered(name).length).toBeGreaterThan(30)
            return store
          })
        const store = yield* Effect.flatMap(LsmStore.makeMemory({ name, latencySampling: 1 }), use).pipe(Effect.scoped)
        expect(registered(name)).toStrictEqual([])
        yield* Effect.flip(store.get("a"))
        yield* Effect.flip(store.put("a", "2"))
        yield* turn
        expect(registered(name)).toStrictEqual([])
        expect(yield* store.prometheus).toBe("")
        const storage = yield* makeFaultyStorage
        storage.refuse = ({ operation }) => (operation === "sync" ? "EIO" : undefined)
        const opened = LsmStore.layerFromStorage({ directory: "/memory", name })
        yield* Effect.flip(Effect.provide(LsmStore.LsmStore, Layer.provide(opened, storage.layer)))
        yield* turn
        expect(registered(name)).toStrictEqual([])
      }
      expect(registeredMetrics().length).toBe(before)
    })
  )

  it.scoped("belong to the store opened last while several stores of one name are open", () =>
    Effect.gen(function* () {
      const name = "a name of two"
      const puts = Effect.suspend(() => countOf(Metrics.puts, name))
      const open = Effect.gen(function* () {
        const scope = yield* Scope.make()
        const store = yield* Scope.extend(LsmStore.makeMemory({ name }), scope)
        yield* store.put("a", "1")
        yield* turn
        return { store, close: Scope.close(scope, Exit.void) }
      })
      const [one, other] = [yield* open, yield* open]
      expect(yield* puts).toBe(2)
      yield* one.store.flush
      expect(seen(name, "lsm_level_tables")).toBe(0)
      yield* other.close
      expect(seen(name, "lsm_level_tables")).toBe(1)
      yield* one.store.put("b", "2")
      expect(yield* puts).toBe(3)
      const third = yield* open
      expect(yield* puts).toBe(4)
      yield* one.close
      expect(seen(name, "lsm_level_tables")).toBe(0)
      yield* third.close
      expect(registered(name)).toStrictEqual([])
      const again = yield* open
      expect(yield* puts).toBe(1)
      yield* again.close
    })
  )

  it.scoped("that only grow are counters, summed over the stores of one name", () =>
    Effect.gen(function* () {
      const name = "counters of two"
      const open = Effect.gen(function* () {
        const scope = yield* Scope.make()
        const store = yield* Scope.extend(LsmStore.makeMemory({ name, entryCacheBytes: 0 }), scope)
        yield* store.put("a", "1")
        yield* store.flush
        yield* store.get("a")
        yield* turn
        return { store, close: Scope.close(scope, Exit.void) }
      })
      const [one, other] = [yield* open, yield* open]
      const checks = seen(name, "lsm_filter_checks_total")!
      expect(checks).toBe(2)
      yield* other.close
      expect(seen(name, "lsm_filter_checks_total")).toBe(2)
      yield* one.store.get("a")
      expect(seen(name, "lsm_filter_checks_total")).toBe(3)
      yield* one.close
      expect(registered(name)).toStrictEqual([])
      const third = yield* open
      expect(seen(name, "lsm_filter_checks_total")).toBe(1)
      yield* third.close
    })
  )

  it.scoped("of all stores have one text, with each family once", () =>
    Effect.gen(function* () {
      for (const name of ["page one", "page two"]) {
        const store = yield* LsmStore.makeMemory({ name })
        yield* store.put("a", "1")
      }
      yield* turn
      const text = yield* Metrics.prometheus
      for (const name of ["page one", "page two"]) expect(text).toContain(`lsm_puts_total{store="${name}"} 1\n`)
      expect(text.match(/# TYPE lsm_puts_total counter\n/g)).toHaveLength(1)
    })
  )

  it.effect("do not stay when 10,000 stores are opened under ever new names", () =>
    Effect.gen(function* () {
      const before = registeredMetrics().length
      let most = 0
      const use = (metrics: Metrics.MetricsService, i: number) =>
        Effect.sync(() => {
          const { show, closed } = metrics.unsafeOpen(noGauges, () => undefined)
          metrics.puts.add(1)
          metrics.getLatency.record(0.001)
          if (i % 50 === 0) show()
          if (i % 1000 === 0) most = Math.max(most, registeredMetrics().length)
          closed()
        })
      const openMany = (from: number, count: number) =>
        Effect.forEach(
          Array.from({ length: count }, (_, i) => from + i),
          (i) => Effect.flatMap(Metrics.make({ directory: `/store ${i}` }), (metrics) => use(metrics, i)),
          { discard: true }
        )
      yield* openMany(0, 1000)
      const bytes = heapBytes()
      yield* openMany(1000, 10_000)
      expect(registeredMetrics().length).toBe(before)
      expect(most).toBeGreaterThan(before + 30)
      expect(most).toBeLessThan(before + 60)
      // If each left 100 bytes behind.
      expect(heapBytes() - bytes).toBeLessThan(1_000_000)
    })
  )
})

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

const heapBytes = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const noGauges: Metrics.Gauges = {
  filterChecks: () => 1,
  filterNegatives: () => 1,
  filterFalsePositives: () => 1,
  cacheHits: () => 1,
  cacheMisses: () => 1,
  cacheEntryHits: () => 1,
  cacheBytes: () => 1,
  memtableBytes: () => 1,
  levelTables: () => 1,
  levelBytes: () => 1,
  valueFiles: () => 1,
  snapshots: () => 1,
  snapshotAge: () => 1,
  valueBytes: () => 1,
  valueLiveBytes: () => 1,
  writeAmplification: () => 1,
  readAmplification: () => 1,
  spaceAmplification: () => 1
}

describe("space amplification", () => {
  const fill = (store: Store.Store, from: number, to: number, step = 1) =>
    Effect.gen(function* () {
      const batch = WriteBatch.make()
      for (let i = from; i < to; i += step) batch.put(String(i).padStart(6, "0"), String(i).repeat(20))
      yield* store.write(batch)
      yield* store.flush
    })
  const space = (store: Store.Store) => Effect.map(store.stats, ({ amplification }) => amplification.space)
  const tuning: LsmOptions.Tuning = {
    tableBytes: 2000,
    level0Tables: 20,
    level0SlowdownTables: 20,
    level0StopTables: 20,
    level1Bytes: 500_000,
    compression: "none",
    durability: "buffered"
  }

  it.scoped("is 1 for unique compacted keys, on any number of levels", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory(tuning)
      expect(yield* space(store)).toBe(0)
      for (let i = 0; i < 3; i++) {
        yield* fill(store, i * 1000, (i + 1) * 1000)
        expect(yield* space(store)).toBe(1)
      }
      for (let i = 0; i < 10; i++) yield* fill(store, 10_000 + i, 20_000, 10)
      yield* store.compact()
      expect(yield* space(store)).toBe(1)
      yield* eventually(store.stats, ({ levels }) => levels.filter(({ tables }) => tables > 0).length > 1)
      expect(yield* space(store)).toBe(1)
    })
  )

  it.scoped("counts overwritten entries and versions that only snapshots see", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ ...tuning, level1Bytes: 10_000_000 })
      yield* fill(store, 0, 1000)
      yield* store.compact()
      yield* fill(store, 0, 1000)
      expect(yield* space(store)).toBeCloseTo(2, 1)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* store.compact()
          yield* store.snapshot
          yield* fill(store, 0, 1000)
          yield* store.compact()
          expect(yield* space(store)).toBeCloseTo(2, 1)
        })
      )
      yield* store.compact()
      expect(yield* space(store)).toBe(1)
    })
  )
})
