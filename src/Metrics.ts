/**
 * What a store counts and measures, through Effect's Metric, each tagged with `store`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import type * as MetricHook from "effect/MetricHook"
import * as MetricKey from "effect/MetricKey"
import * as MetricLabel from "effect/MetricLabel"
import { type Reading, type Registration, registerMetrics } from "./internal/metrics/registeredMetrics.js"
import type { InvalidArgument } from "./LsmError.js"
import { type LsmOptions, settings } from "./LsmOptions.js"

/** The keys of the metrics below, by which each store gets hooks of its own. */
const counterKeys = new Map<Metric.Metric.Counter<number>, MetricKey.MetricKey.Counter<number>>()
const gaugeKeys = new Map<Metric.Metric.Gauge<number>, MetricKey.MetricKey.Gauge<number>>()
const histogramKeys = new Map<Metric.Metric.Histogram<number>, MetricKey.MetricKey.Histogram>()

const counter = (name: string, description: string): Metric.Metric.Counter<number> => {
  const key = MetricKey.counter(name, { description, incremental: true })
  const metric = Metric.fromMetricKey(key)
  counterKeys.set(metric, key)
  return metric
}

const gauge = (name: string, description: string): Metric.Metric.Gauge<number> => {
  const key = MetricKey.gauge(name, { description })
  const metric = Metric.fromMetricKey(key)
  gaugeKeys.set(metric, key)
  return metric
}

const histogram = (
  name: string,
  boundaries: MetricBoundaries.MetricBoundaries,
  description: string
): Metric.Metric.Histogram<number> => {
  const key = MetricKey.histogram(name, boundaries, description)
  const metric = Metric.fromMetricKey(key)
  histogramKeys.set(metric, key)
  return metric
}

/** 1 µs to about 0.5 s, doubling. */
const microseconds = MetricBoundaries.exponential({ start: 1, factor: 2, count: 20 })
/** 1 ms to about 16 s, doubling. */
const milliseconds = MetricBoundaries.exponential({ start: 1, factor: 2, count: 15 })

/** @since 0.1.0 @category metrics */
export const puts = counter("lsm_puts_total", "Puts, those in batches included")
/** @since 0.1.0 @category metrics */
export const deletes = counter("lsm_deletes_total", "Deletes, those in batches included")
/** @since 0.1.0 @category metrics */
export const batches = counter("lsm_batches_total", "Batches written")
/** @since 0.1.0 @category metrics */
export const gets = counter("lsm_gets_total", "Keys looked up by get, getMany and has")
/** @since 0.1.0 @category metrics */
export const scans = counter("lsm_scans_total", "Scans and cursors begun")
/** @since 0.1.0 @category metrics */
export const memtableHits = counter("lsm_memtable_hits_total", "Lookups answered by a memtable")
/** @since 0.1.0 @category metrics */
export const tableHits = counter("lsm_table_hits_total", "Lookups answered by a table, by level")
/** @since 0.1.0 @category metrics */
export const misses = counter("lsm_misses_total", "Lookups of keys that were nowhere")
/** @since 0.1.0 @category metrics */
export const filterChecks = gauge("lsm_filter_checks", "Filters asked since the store was opened")
/** @since 0.1.0 @category metrics */
export const filterNegatives = gauge("lsm_filter_negatives", "Filters that said no since the store was opened")
/** @since 0.1.0 @category metrics */
export const filterFalsePositives = gauge(
  "lsm_filter_false_positives",
  "Filters that said maybe wrongly since the store was opened"
)
/** @since 0.1.0 @category metrics */
export const cacheHits = gauge("lsm_cache_hits", "Blocks found in the cache since the store was opened")
/** @since 0.1.0 @category metrics */
export const cacheMisses = gauge("lsm_cache_misses", "Blocks not found in the cache since the store was opened")
/** @since 0.1.0 @category metrics */
export const cacheEntryHits = gauge(
  "lsm_cache_entry_hits",
  "Lookups answered by an entry that is held apart from blocks since the store was opened"
)
/** @since 0.1.0 @category metrics */
export const cacheBytes = gauge("lsm_cache_bytes", "Bytes of cached blocks and entries")
/** @since 0.1.0 @category metrics */
export const memtableBytes = gauge("lsm_memtable_bytes", "Bytes held by memtables, active and frozen")
/** @since 0.1.0 @category metrics */
export const levelTables = gauge("lsm_level_tables", "Tables, by level")
/** @since 0.1.0 @category metrics */
export const levelBytes = gauge("lsm_level_bytes", "Bytes of tables, by level")
/** @since 0.1.0 @category metrics */
export const writeAmplification = gauge("lsm_write_amplification", "Bytes written to files over bytes handed in")
/** @since 0.1.0 @category metrics */
export const readAmplification = gauge("lsm_read_amplification", "Places a lookup may have to search")
/** @since 0.1.0 @category metrics */
export const spaceAmplification = gauge(
  "lsm_space_amplification",
  "Bytes of all tables over those that would be left if everything were compacted, as estimated"
)
/** @since 0.1.0 @category metrics */
export const userBytes = counter("lsm_user_bytes_total", "Bytes of keys and values handed in")
/** @since 0.1.0 @category metrics */
export const writtenBytes = counter(
  "lsm_written_bytes_total",
  "Bytes written to files, by cause: log, flush, compaction"
)
/** @since 0.1.0 @category metrics */
export const logSyncs = counter("lsm_log_syncs_total", "Syncs of the log")
/** @since 0.1.0 @category metrics */
export const syncedRecords = counter("lsm_log_synced_records_total", "Log records made durable by those syncs")
/** @since 0.1.0 @category metrics */
export const flushes = counter("lsm_flushes_total", "Memtables flushed")
/** @since 0.1.0 @category metrics */
export const compactions = counter("lsm_compactions_total", "Compactions done, trivial moves included")
/** @since 0.1.0 @category metrics */
export const backgroundErrors = counter("lsm_background_errors_total", "Flushes and compactions that failed")
/** @since 0.1.0 @category metrics */
export const slowdowns = counter("lsm_write_slowdowns_total", "Writes that were slowed down")
/** @since 0.1.0 @category metrics */
export const stops = counter("lsm_write_stops_total", "Writes that had to wait for a flush or a compaction")
/** @since 0.1.0 @category metrics */
export const getLatency = histogram("lsm_get_microseconds", microseconds, "Time of a get, of the gets sampled")
/** @since 0.1.0 @category metrics */
export const putLatency = histogram("lsm_put_microseconds", microseconds, "Time of a put, of the puts sampled")
/** @since 0.1.0 @category metrics */
export const flushDuration = histogram("lsm_flush_milliseconds", milliseconds, "Time of a flush")
/** @since 0.1.0 @category metrics */
export const compactionDuration = histogram("lsm_compaction_milliseconds", milliseconds, "Time of a compaction")

/**
 * A metric that synchronous code updates. `value` counts since the store was opened, whatever else has the same tags.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counter {
  value: number
  readonly add: (n: number) => void
}

/**
 * @since 0.1.0
 * @category models
 */
export interface Histogram {
  readonly record: (n: number) => void
}

/**
 * What the gauges of a store show, read when somebody looks.
 *
 * @since 0.1.0
 * @category models
 */
export interface Gauges {
  readonly filterChecks: () => number
  readonly filterNegatives: () => number
  readonly filterFalsePositives: () => number
  readonly cacheHits: () => number
  readonly cacheMisses: () => number
  readonly cacheEntryHits: () => number
  readonly cacheBytes: () => number
  readonly memtableBytes: () => number
  readonly levelTables: (level: number) => number
  readonly levelBytes: (level: number) => number
  readonly writeAmplification: () => number
  readonly readAmplification: () => number
  readonly spaceAmplification: () => number
}

/**
 * The metrics of one store, tagged once. Updating one costs about 10 ns and no Effect.
 *
 * @since 0.1.0
 * @category models
 */
export interface MetricsService {
  /** The `store` label. */
  readonly store: string
  readonly puts: Counter
  readonly deletes: Counter
  readonly batches: Counter
  readonly gets: Counter
  readonly scans: Counter
  readonly memtableHits: Counter
  readonly misses: Counter
  readonly tableHits: ReadonlyArray<Counter>
  readonly userBytes: Counter
  readonly logBytes: Counter
  readonly flushBytes: Counter
  readonly compactionBytes: Counter
  readonly logSyncs: Counter
  readonly syncedRecords: Counter
  readonly flushes: Counter
  readonly compactions: Counter
  readonly backgroundErrors: Counter
  readonly slowdowns: Counter
  readonly stops: Counter
  readonly getLatency: Histogram
  readonly putLatency: Histogram
  readonly flushDuration: Histogram
  readonly compactionDuration: Histogram
  /**
   * The store is open: from now on its metrics are in Effect's registry, each from when it is first used until the answer is called. `later` lets the event loop turn before
   * the gauges are registered, which takes as long as opening a store.
   */
  readonly unsafeOpen: (
    gauges: Gauges,
    later: (next: () => void) => void
  ) => {
    /** Registers the gauges at once. */
    readonly show: () => void
    /** The store has closed: its metrics are gone, but for those that another store of the same name has. */
    readonly closed: () => void
  }
  /** Nanoseconds, for latencies. */
  readonly unsafeNow: () => number
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Metrics extends Context.Tag("effect-lsm/Metrics")<Metrics, MetricsService>() {}

type Tags = ReadonlyArray<readonly [string, string]>

const levels = [0, 1, 2, 3, 4, 5, 6]

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<MetricsService, InvalidArgument> =>
  Effect.gen(function* () {
    const { name } = yield* settings(options)
    const clock = yield* Effect.clock
    const store = MetricLabel.make("store", name)
    const labels = (tags: Tags): ReadonlyArray<MetricLabel.MetricLabel> => [
      store,
      ...tags.map(([key, value]) => MetricLabel.make(key, value))
    ]
    let registration: Registration | undefined
    let isShown = false
    let later = (_: () => void): void => undefined
    const show = (): void => {
      isShown = true
      registration?.show()
    }
    /** The hook of a metric when it is first used: opening a store, which uses few, takes a millisecond less in a process that has just begun. */
    const attach = <A>(key: MetricKey.MetricKey.Untyped, make: () => A, release: () => void): A | undefined => {
      const hook = registration?.hook(key, make, release)
      if (hook !== undefined && !isShown) {
        isShown = true
        later(show)
      }
      return hook
    }
    const { globalMetricRegistry: registry } = Metric
    const tally = (metric: Metric.Metric.Counter<number>, ...tags: Tags): Counter => {
      let hook: MetricHook.MetricHook.Counter<number> | undefined
      const release = (): void => {
        hook = undefined
      }
      const first = () => {
        const key = MetricKey.taggedWithLabels(counterKeys.get(metric)!, labels(tags))
        return attach(key, () => registry.getCounter(key), release)
      }
      const self: Counter = {
        value: 0,
        add: (n) => {
          self.value += n
          hook ??= first()
          hook?.update(n)
        }
      }
      return self
    }
    const level = (metric: Metric.Metric.Histogram<number>): Histogram => {
      let hook: MetricHook.MetricHook.Histogram | undefined
      const release = (): void => {
        hook = undefined
      }
      const first = () => {
        const key = MetricKey.taggedWithLabels(histogramKeys.get(metric)!, labels([]))
        return attach(key, () => registry.getHistogram(key), release)
      }
      return {
        record: (n) => {
          hook ??= first()
          hook?.update(n)
        }
      }
    }
    const readings = (gauges: Gauges): ReadonlyArray<Reading> => {
      const reading = (metric: Metric.Metric.Gauge<number>, read: () => number, ...tags: Tags): Reading => [
        MetricKey.taggedWithLabels(gaugeKeys.get(metric)!, labels(tags)),
        read
      ]
      const byLevel = (metric: Metric.Metric.Gauge<number>, read: (level: number) => number) =>
        levels.map((n) => reading(metric, () => read(n), ["level", String(n)]))
      return [
        reading(filterChecks, gauges.filterChecks),
        reading(filterNegatives, gauges.filterNegatives),
        reading(filterFalsePositives, gauges.filterFalsePositives),
        reading(cacheHits, gauges.cacheHits),
        reading(cacheMisses, gauges.cacheMisses),
        reading(cacheEntryHits, gauges.cacheEntryHits),
        reading(cacheBytes, gauges.cacheBytes),
        reading(memtableBytes, gauges.memtableBytes),
        ...byLevel(levelTables, gauges.levelTables),
        ...byLevel(levelBytes, gauges.levelBytes),
        reading(writeAmplification, gauges.writeAmplification),
        reading(readAmplification, gauges.readAmplification),
        reading(spaceAmplification, gauges.spaceAmplification)
      ]
    }
    const origin = clock.unsafeCurrentTimeNanos()
    return {
      store: name,
      puts: tally(puts),
      deletes: tally(deletes),
      batches: tally(batches),
      gets: tally(gets),
      scans: tally(scans),
      memtableHits: tally(memtableHits),
      misses: tally(misses),
      tableHits: levels.map((n) => tally(tableHits, ["level", String(n)])),
      userBytes: tally(userBytes),
      logBytes: tally(writtenBytes, ["cause", "log"]),
      flushBytes: tally(writtenBytes, ["cause", "flush"]),
      compactionBytes: tally(writtenBytes, ["cause", "compaction"]),
      logSyncs: tally(logSyncs),
      syncedRecords: tally(syncedRecords),
      flushes: tally(flushes),
      compactions: tally(compactions),
      backgroundErrors: tally(backgroundErrors),
      slowdowns: tally(slowdowns),
      stops: tally(stops),
      getLatency: level(getLatency),
      putLatency: level(putLatency),
      flushDuration: level(flushDuration),
      compactionDuration: level(compactionDuration),
      unsafeOpen: (gauges, turn) => {
        const own = registerMetrics(name, () => readings(gauges))
        registration = own
        isShown = false
        later = turn
        return { show, closed: own.closed }
      },
      unsafeNow: () => Number(clock.unsafeCurrentTimeNanos() - origin)
    }
  })

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Metrics, InvalidArgument> =>
  Layer.effect(Metrics, make(options))
