/**
 * The metrics of a store, as Effect metrics tagged with `store`.
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
import { type LsmOptions, resolveOptions } from "./LsmOptions.js"

/** The keys of the metrics below. Each store makes its own hooks from them. */
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

/** From 1 µs to about 0.5 s; each boundary is twice the one before. */
const microseconds = MetricBoundaries.exponential({ start: 1, factor: 2, count: 20 })
/** From 1 ms to about 16 s; each boundary is twice the one before. */
const milliseconds = MetricBoundaries.exponential({ start: 1, factor: 2, count: 15 })

/**
 * Counter `lsm_puts_total`: puts, including those in batches.
 *
 * @since 0.1.0
 * @category metrics
 */
export const puts = counter("lsm_puts_total", "Puts, including those in batches")

/**
 * Counter `lsm_deletes_total`: deletes, including those in batches.
 *
 * @since 0.1.0
 * @category metrics
 */
export const deletes = counter("lsm_deletes_total", "Deletes, including those in batches")

/**
 * Counter `lsm_batches_total`: batches written.
 *
 * @since 0.1.0
 * @category metrics
 */
export const batches = counter("lsm_batches_total", "Batches written")

/**
 * Counter `lsm_gets_total`: keys looked up by get, getMany and has.
 *
 * @since 0.1.0
 * @category metrics
 */
export const gets = counter("lsm_gets_total", "Keys looked up by get, getMany and has")

/**
 * Counter `lsm_scans_total`: scans and cursors opened.
 *
 * @since 0.1.0
 * @category metrics
 */
export const scans = counter("lsm_scans_total", "Scans and cursors opened")

/**
 * Counter `lsm_memtable_hits_total`: lookups that found an entry in a memtable.
 *
 * @since 0.1.0
 * @category metrics
 */
export const memtableHits = counter("lsm_memtable_hits_total", "Lookups that found an entry in a memtable")

/**
 * Counter `lsm_table_hits_total`: lookups that found an entry in a table, by level.
 *
 * @since 0.1.0
 * @category metrics
 */
export const tableHits = counter("lsm_table_hits_total", "Lookups that found an entry in a table, by level")

/**
 * Counter `lsm_misses_total`: lookups that found no entry.
 *
 * @since 0.1.0
 * @category metrics
 */
export const misses = counter("lsm_misses_total", "Lookups that found no entry")

/**
 * Gauge `lsm_filter_checks`: Bloom filter checks since the store was opened.
 *
 * @since 0.1.0
 * @category metrics
 */
export const filterChecks = gauge("lsm_filter_checks", "Bloom filter checks since the store was opened")

/**
 * Gauge `lsm_filter_negatives`: Bloom filter checks that ruled a table out since the store was
 * opened.
 *
 * @since 0.1.0
 * @category metrics
 */
export const filterNegatives = gauge(
  "lsm_filter_negatives",
  "Bloom filter checks that ruled a table out since the store was opened"
)

/**
 * Gauge `lsm_filter_false_positives`: Bloom filter checks that did not rule out a table without the
 * key since the store was opened.
 *
 * @since 0.1.0
 * @category metrics
 */
export const filterFalsePositives = gauge(
  "lsm_filter_false_positives",
  "Bloom filter checks that did not rule out a table without the key since the store was opened"
)

/**
 * Gauge `lsm_cache_hits`: blocks found in the cache since the store was opened.
 *
 * @since 0.1.0
 * @category metrics
 */
export const cacheHits = gauge("lsm_cache_hits", "Blocks found in the cache since the store was opened")

/**
 * Gauge `lsm_cache_misses`: blocks not found in the cache since the store was opened.
 *
 * @since 0.1.0
 * @category metrics
 */
export const cacheMisses = gauge("lsm_cache_misses", "Blocks not found in the cache since the store was opened")

/**
 * Gauge `lsm_cache_entry_hits`: lookups served from the entry cache, without a block, since the
 * store was opened.
 *
 * @since 0.1.0
 * @category metrics
 */
export const cacheEntryHits = gauge(
  "lsm_cache_entry_hits",
  "Lookups served from the entry cache, without a block, since the store was opened"
)

/**
 * Gauge `lsm_cache_bytes`: bytes of cached blocks and entries.
 *
 * @since 0.1.0
 * @category metrics
 */
export const cacheBytes = gauge("lsm_cache_bytes", "Bytes of cached blocks and entries")

/**
 * Gauge `lsm_memtable_bytes`: bytes held by memtables, active and frozen.
 *
 * @since 0.1.0
 * @category metrics
 */
export const memtableBytes = gauge("lsm_memtable_bytes", "Bytes held by memtables, active and frozen")

/**
 * Gauge `lsm_level_tables`: tables, by level.
 *
 * @since 0.1.0
 * @category metrics
 */
export const levelTables = gauge("lsm_level_tables", "Tables, by level")

/**
 * Gauge `lsm_level_bytes`: bytes of tables, by level.
 *
 * @since 0.1.0
 * @category metrics
 */
export const levelBytes = gauge("lsm_level_bytes", "Bytes of tables, by level")

/**
 * Gauge `lsm_write_amplification`: bytes written to files divided by bytes of keys and values
 * written by the application.
 *
 * @since 0.1.0
 * @category metrics
 */
export const writeAmplification = gauge(
  "lsm_write_amplification",
  "Bytes written to files divided by bytes of keys and values written by the application"
)

/**
 * Gauge `lsm_read_amplification`: places that a lookup may have to search: tables at level 0, and
 * deeper levels with tables.
 *
 * @since 0.1.0
 * @category metrics
 */
export const readAmplification = gauge(
  "lsm_read_amplification",
  "Places that a lookup may have to search: tables at level 0, and deeper levels with tables"
)

/**
 * Gauge `lsm_space_amplification`: bytes of all tables divided by the estimated bytes left after a
 * compaction of everything.
 *
 * @since 0.1.0
 * @category metrics
 */
export const spaceAmplification = gauge(
  "lsm_space_amplification",
  "Bytes of all tables divided by the estimated bytes left after a compaction of everything"
)

/**
 * Counter `lsm_user_bytes_total`: bytes of keys and values written by the application.
 *
 * @since 0.1.0
 * @category metrics
 */
export const userBytes = counter("lsm_user_bytes_total", "Bytes of keys and values written by the application")

/**
 * Counter `lsm_written_bytes_total`: bytes written to files, by cause: log, flush, compaction.
 *
 * @since 0.1.0
 * @category metrics
 */
export const writtenBytes = counter(
  "lsm_written_bytes_total",
  "Bytes written to files, by cause: log, flush, compaction"
)

/**
 * Counter `lsm_log_syncs_total`: syncs of the log.
 *
 * @since 0.1.0
 * @category metrics
 */
export const logSyncs = counter("lsm_log_syncs_total", "Syncs of the log")

/**
 * Counter `lsm_log_synced_records_total`: log records made durable by syncs of the log.
 *
 * @since 0.1.0
 * @category metrics
 */
export const syncedRecords = counter("lsm_log_synced_records_total", "Log records made durable by syncs of the log")

/**
 * Counter `lsm_flushes_total`: memtables flushed.
 *
 * @since 0.1.0
 * @category metrics
 */
export const flushes = counter("lsm_flushes_total", "Memtables flushed")

/**
 * Counter `lsm_compactions_total`: compactions finished, including trivial moves.
 *
 * @since 0.1.0
 * @category metrics
 */
export const compactions = counter("lsm_compactions_total", "Compactions finished, including trivial moves")

/**
 * Counter `lsm_background_errors_total`: flushes and compactions that failed.
 *
 * @since 0.1.0
 * @category metrics
 */
export const backgroundErrors = counter("lsm_background_errors_total", "Flushes and compactions that failed")

/**
 * Counter `lsm_write_slowdowns_total`: writes that were slowed down.
 *
 * @since 0.1.0
 * @category metrics
 */
export const slowdowns = counter("lsm_write_slowdowns_total", "Writes that were slowed down")

/**
 * Counter `lsm_write_stops_total`: writes that had to wait for a flush or a compaction.
 *
 * @since 0.1.0
 * @category metrics
 */
export const stops = counter("lsm_write_stops_total", "Writes that had to wait for a flush or a compaction")

/**
 * Histogram `lsm_get_microseconds`: duration of the sampled gets, in microseconds.
 *
 * @since 0.1.0
 * @category metrics
 */
export const getLatency = histogram(
  "lsm_get_microseconds",
  microseconds,
  "Duration of the sampled gets, in microseconds"
)

/**
 * Histogram `lsm_put_microseconds`: duration of the sampled puts, in microseconds.
 *
 * @since 0.1.0
 * @category metrics
 */
export const putLatency = histogram(
  "lsm_put_microseconds",
  microseconds,
  "Duration of the sampled puts, in microseconds"
)

/**
 * Histogram `lsm_flush_milliseconds`: duration of flushes, in milliseconds.
 *
 * @since 0.1.0
 * @category metrics
 */
export const flushDuration = histogram("lsm_flush_milliseconds", milliseconds, "Duration of flushes, in milliseconds")

/**
 * Histogram `lsm_compaction_milliseconds`: duration of compactions, in milliseconds.
 *
 * @since 0.1.0
 * @category metrics
 */
export const compactionDuration = histogram(
  "lsm_compaction_milliseconds",
  milliseconds,
  "Duration of compactions, in milliseconds"
)

/**
 * A counter that synchronous code updates. `value` counts since the store was opened, for this
 * store alone, even if other stores have the same tags.
 *
 * @since 0.1.0
 * @category models
 */
export interface Counter {
  value: number
  readonly add: (n: number) => void
}

/**
 * A histogram that synchronous code updates.
 *
 * @since 0.1.0
 * @category models
 */
export interface Histogram {
  readonly record: (n: number) => void
}

/**
 * The functions that return the current values of a store's gauges. They are called when a metric
 * is read.
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
 * The metrics of one store. They are tagged when they are made, so an update is a synchronous call
 * of about 10 ns.
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
   * Called when the store opens. From now on each metric is registered in Effect's registry when it
   * is first used. Registering the gauges takes as long as opening a store, so the first use of a
   * metric passes that work to `later`, which runs it after a yield to the event loop.
   */
  readonly unsafeOpen: (
    gauges: Gauges,
    later: (next: () => void) => void
  ) => {
    /** Registers the gauges now. */
    readonly show: () => void
    /**
     * Called when the store closes. Removes its metrics from the registry, unless another store of
     * the same name is open.
     */
    readonly closed: () => void
  }
  /** Nanoseconds since the metrics were made, for latencies. */
  readonly unsafeNow: () => number
}

/**
 * The service that holds the metrics of a store.
 *
 * @since 0.1.0
 * @category tags
 */
export class Metrics extends Context.Tag("effect-lsm/Metrics")<Metrics, MetricsService>() {}

type Tags = ReadonlyArray<readonly [string, string]>

const levels = [0, 1, 2, 3, 4, 5, 6]

/**
 * Makes the metrics of a store. Of the options it uses only `name`, by default `directory`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<MetricsService, InvalidArgument> =>
  Effect.gen(function* () {
    const { name } = yield* resolveOptions(options)
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
    /**
     * Returns the hook of a metric, made when the metric is first used. Opening a store uses few
     * metrics, so making all hooks then would slow the opening down.
     */
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
 * Provides the metrics of a store.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Metrics, InvalidArgument> =>
  Layer.effect(Metrics, make(options))
