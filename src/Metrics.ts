/**
 * The metrics of a store, as Effect metrics tagged with `store`.
 *
 * @since 3.0.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as effectMetrics from "./internal/metrics/effectMetrics.js"
import { prometheusText } from "./internal/metrics/prometheus.js"
import { type Reading, type Registration, registerMetrics } from "./internal/metrics/registeredMetrics.js"
import type { Labels, Series } from "./internal/metrics/series.js"
import type { InvalidArgument } from "./LsmError.js"
import { type LsmOptions, resolveOptions } from "./LsmOptions.js"

/** In seconds. Twenty buckets from 1 µs: the last one begins at about 0.26 s. */
const short = { first: 1e-6, count: 20 }
/** In seconds. Fifteen buckets from 1 ms: the last one begins at about 8 s. */
const long = { first: 1e-3, count: 15 }

/**
 * Counter `lsm_puts_total`: puts, including those in batches.
 *
 * @since 3.0.0
 * @category metrics
 */
export const puts = effectMetrics.counter("lsm_puts_total", "Puts, including those in batches")

/**
 * Counter `lsm_deletes_total`: deletes, including those in batches.
 *
 * @since 3.0.0
 * @category metrics
 */
export const deletes = effectMetrics.counter("lsm_deletes_total", "Deletes, including those in batches")

/**
 * Counter `lsm_batches_total`: batches written.
 *
 * @since 3.0.0
 * @category metrics
 */
export const batches = effectMetrics.counter("lsm_batches_total", "Batches written")

/**
 * Counter `lsm_gets_total`: keys looked up by get, getMany and has.
 *
 * @since 3.0.0
 * @category metrics
 */
export const gets = effectMetrics.counter("lsm_gets_total", "Keys looked up by get, getMany and has")

/**
 * Counter `lsm_scans_total`: scans and cursors opened.
 *
 * @since 3.0.0
 * @category metrics
 */
export const scans = effectMetrics.counter("lsm_scans_total", "Scans and cursors opened")

/**
 * Counter `lsm_memtable_hits_total`: lookups that found an entry in a memtable.
 *
 * @since 3.0.0
 * @category metrics
 */
export const memtableHits = effectMetrics.counter(
  "lsm_memtable_hits_total",
  "Lookups that found an entry in a memtable"
)

/**
 * Counter `lsm_table_hits_total`: lookups that found an entry in a table, by level.
 *
 * @since 3.0.0
 * @category metrics
 */
export const tableHits = effectMetrics.counter(
  "lsm_table_hits_total",
  "Lookups that found an entry in a table, by level"
)

/**
 * Counter `lsm_misses_total`: lookups that found no entry.
 *
 * @since 3.0.0
 * @category metrics
 */
export const misses = effectMetrics.counter("lsm_misses_total", "Lookups that found no entry")

/**
 * Counter `lsm_filter_checks_total`: Bloom filter checks.
 *
 * @since 3.0.0
 * @category metrics
 */
export const filterChecks = effectMetrics.counter("lsm_filter_checks_total", "Bloom filter checks")

/**
 * Counter `lsm_filter_negatives_total`: Bloom filter checks that ruled a table out.
 *
 * @since 3.0.0
 * @category metrics
 */
export const filterNegatives = effectMetrics.counter(
  "lsm_filter_negatives_total",
  "Bloom filter checks that ruled a table out"
)

/**
 * Counter `lsm_filter_false_positives_total`: Bloom filter checks that did not rule out a table
 * without the key.
 *
 * @since 3.0.0
 * @category metrics
 */
export const filterFalsePositives = effectMetrics.counter(
  "lsm_filter_false_positives_total",
  "Bloom filter checks that did not rule out a table without the key"
)

/**
 * Counter `lsm_cache_hits_total`: blocks found in the cache.
 *
 * @since 3.0.0
 * @category metrics
 */
export const cacheHits = effectMetrics.counter("lsm_cache_hits_total", "Blocks found in the cache")

/**
 * Counter `lsm_cache_misses_total`: blocks not found in the cache.
 *
 * @since 3.0.0
 * @category metrics
 */
export const cacheMisses = effectMetrics.counter("lsm_cache_misses_total", "Blocks not found in the cache")

/**
 * Counter `lsm_cache_entry_hits_total`: lookups served from the entry cache, without a block.
 *
 * @since 3.0.0
 * @category metrics
 */
export const cacheEntryHits = effectMetrics.counter(
  "lsm_cache_entry_hits_total",
  "Lookups served from the entry cache, without a block"
)

/**
 * Gauge `lsm_cache_bytes`: bytes of cached blocks and entries.
 *
 * @since 3.0.0
 * @category metrics
 */
export const cacheBytes = effectMetrics.gauge("lsm_cache_bytes", "Bytes of cached blocks and entries")

/**
 * Gauge `lsm_memtable_bytes`: bytes held by memtables, active and frozen.
 *
 * @since 3.0.0
 * @category metrics
 */
export const memtableBytes = effectMetrics.gauge("lsm_memtable_bytes", "Bytes held by memtables, active and frozen")

/**
 * Gauge `lsm_level_tables`: tables, by level.
 *
 * @since 3.0.0
 * @category metrics
 */
export const levelTables = effectMetrics.gauge("lsm_level_tables", "Tables, by level")

/**
 * Gauge `lsm_level_bytes`: bytes of tables, by level.
 *
 * @since 3.0.0
 * @category metrics
 */
export const levelBytes = effectMetrics.gauge("lsm_level_bytes", "Bytes of tables, by level")

/**
 * Gauge `lsm_value_files`: files that hold values apart from tables.
 *
 * @since 3.1.0
 * @category metrics
 */
export const valueFiles = effectMetrics.gauge("lsm_value_files", "Files that hold values apart from tables")

/**
 * Gauge `lsm_snapshots`: open snapshots, those of transactions too.
 *
 * @since 3.1.0
 * @category metrics
 */
export const snapshots = effectMetrics.gauge("lsm_snapshots", "Open snapshots")

/**
 * Gauge `lsm_oldest_snapshot_seconds`: how long the oldest open snapshot has been held.
 *
 * @since 3.1.0
 * @category metrics
 */
export const snapshotAge = effectMetrics.gauge(
  "lsm_oldest_snapshot_seconds",
  "How long the oldest open snapshot has been held"
)

/**
 * Gauge `lsm_value_bytes`: bytes of the files that hold values apart from tables.
 *
 * @since 3.1.0
 * @category metrics
 */
export const valueBytes = effectMetrics.gauge(
  "lsm_value_bytes",
  "Bytes of the files that hold values apart from tables"
)

/**
 * Gauge `lsm_value_live_bytes`: bytes of the values in these files that tables have handles to.
 *
 * @since 3.1.0
 * @category metrics
 */
export const valueLiveBytes = effectMetrics.gauge(
  "lsm_value_live_bytes",
  "Bytes of the values in these files that tables have handles to"
)

/**
 * Gauge `lsm_write_amplification`: bytes written to files divided by bytes of keys and values
 * written by the application.
 *
 * @since 3.0.0
 * @category metrics
 */
export const writeAmplification = effectMetrics.gauge(
  "lsm_write_amplification",
  "Bytes written to files divided by bytes of keys and values written by the application"
)

/**
 * Gauge `lsm_read_amplification`: places that a lookup may have to search: tables at level 0, and
 * deeper levels with tables.
 *
 * @since 3.0.0
 * @category metrics
 */
export const readAmplification = effectMetrics.gauge(
  "lsm_read_amplification",
  "Places that a lookup may have to search: tables at level 0, and deeper levels with tables"
)

/**
 * Gauge `lsm_space_amplification`: bytes of all tables and value files divided by the estimated bytes left after a
 * compaction of everything.
 *
 * @since 3.0.0
 * @category metrics
 */
export const spaceAmplification = effectMetrics.gauge(
  "lsm_space_amplification",
  "Bytes of all tables and value files divided by the estimated bytes left after a compaction of everything"
)

/**
 * Counter `lsm_user_bytes_total`: bytes of keys and values written by the application.
 *
 * @since 3.0.0
 * @category metrics
 */
export const userBytes = effectMetrics.counter(
  "lsm_user_bytes_total",
  "Bytes of keys and values written by the application"
)

/**
 * Counter `lsm_written_bytes_total`: bytes written to files, by cause: log, flush, compaction.
 *
 * @since 3.0.0
 * @category metrics
 */
export const writtenBytes = effectMetrics.counter(
  "lsm_written_bytes_total",
  "Bytes written to files, by cause: log, flush, compaction"
)

/**
 * Counter `lsm_log_syncs_total`: syncs of the log.
 *
 * @since 3.0.0
 * @category metrics
 */
export const logSyncs = effectMetrics.counter("lsm_log_syncs_total", "Syncs of the log")

/**
 * Counter `lsm_log_synced_records_total`: log records made durable by syncs of the log.
 *
 * @since 3.0.0
 * @category metrics
 */
export const syncedRecords = effectMetrics.counter(
  "lsm_log_synced_records_total",
  "Log records made durable by syncs of the log"
)

/**
 * Counter `lsm_flushes_total`: memtables flushed.
 *
 * @since 3.0.0
 * @category metrics
 */
export const flushes = effectMetrics.counter("lsm_flushes_total", "Memtables flushed")

/**
 * Counter `lsm_compactions_total`: compactions finished, including trivial moves.
 *
 * @since 3.0.0
 * @category metrics
 */
export const compactions = effectMetrics.counter(
  "lsm_compactions_total",
  "Compactions finished, including trivial moves"
)

/**
 * Counter `lsm_background_errors_total`: flushes and compactions that failed.
 *
 * @since 3.0.0
 * @category metrics
 */
export const backgroundErrors = effectMetrics.counter(
  "lsm_background_errors_total",
  "Flushes and compactions that failed"
)

/**
 * Counter `lsm_write_slowdowns_total`: writes that were slowed down.
 *
 * @since 3.0.0
 * @category metrics
 */
export const slowdowns = effectMetrics.counter("lsm_write_slowdowns_total", "Writes that were slowed down")

/**
 * Counter `lsm_write_stops_total`: writes that had to wait for a flush or a compaction.
 *
 * @since 3.0.0
 * @category metrics
 */
export const stops = effectMetrics.counter(
  "lsm_write_stops_total",
  "Writes that had to wait for a flush or a compaction"
)

/**
 * Histogram `lsm_get_duration_seconds`: duration of the sampled gets, in seconds.
 *
 * @since 3.0.0
 * @category metrics
 */
export const getLatency = effectMetrics.histogram("lsm_get_duration_seconds", short, "Duration of the sampled gets")

/**
 * Histogram `lsm_put_duration_seconds`: duration of the sampled puts, in seconds.
 *
 * @since 3.0.0
 * @category metrics
 */
export const putLatency = effectMetrics.histogram("lsm_put_duration_seconds", short, "Duration of the sampled puts")

/**
 * Histogram `lsm_flush_duration_seconds`: duration of flushes, in seconds.
 *
 * @since 3.0.0
 * @category metrics
 */
export const flushDuration = effectMetrics.histogram("lsm_flush_duration_seconds", long, "Duration of flushes")

/**
 * Histogram `lsm_compaction_duration_seconds`: duration of compactions, in seconds.
 *
 * @since 3.0.0
 * @category metrics
 */
export const compactionDuration = effectMetrics.histogram(
  "lsm_compaction_duration_seconds",
  long,
  "Duration of compactions"
)

/**
 * The metrics of all open stores in the text format of Prometheus, to be served as one page. A
 * metric is there from its first use on.
 *
 * @since 3.1.0
 * @category export
 */
export const prometheus: Effect.Effect<string> = Effect.flatMap(effectMetrics.currentRegistry, (registry) =>
  prometheusText(registry)
)

/**
 * A counter that synchronous code updates. `value` counts since the store was opened, for this
 * store alone, even if other stores have the same tags.
 *
 * @since 3.0.0
 * @category models
 */
export interface Counter {
  value: number
  readonly add: (n: number) => void
}

/**
 * A histogram that synchronous code updates.
 *
 * @since 3.0.0
 * @category models
 */
export interface Histogram {
  /** Durations are in seconds. */
  readonly record: (n: number) => void
}

/**
 * The functions that return the current values of a store's gauges, and of the counters of filters
 * and caches. They are called when a metric is read.
 *
 * @since 3.0.0
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
  readonly valueFiles: () => number
  readonly snapshots: () => number
  readonly snapshotAge: () => number
  readonly valueBytes: () => number
  readonly valueLiveBytes: () => number
  readonly writeAmplification: () => number
  readonly readAmplification: () => number
  readonly spaceAmplification: () => number
}

/**
 * The metrics of one store. They are tagged when they are made, so an update is a synchronous call
 * of a few ns.
 *
 * @since 3.0.0
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
 * @since 3.0.0
 * @category tags
 */
export class Metrics extends Context.Tag("effect-lsm/Metrics")<Metrics, MetricsService>() {}

const levels = [0, 1, 2, 3, 4, 5, 6]

/** A counter that is registered at its first update. A class, because V8 then inlines `add`. */
class Tally implements Counter {
  value = 0
  private isRegistered = false

  /** `register` gets the value before the update, and returns whether the counter is registered now. */
  constructor(private readonly register: (self: Tally, before: number) => boolean) {}

  add(n: number): void {
    this.value += n
    if (!this.isRegistered) this.isRegistered = this.register(this, this.value - n)
  }

  readonly release = (): void => {
    this.isRegistered = false
  }
}

/**
 * Makes the metrics of a store. Of the options it uses only `name`, by default `directory`.
 *
 * @since 3.0.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<MetricsService, InvalidArgument> =>
  Effect.gen(function* () {
    const { name } = yield* resolveOptions(options)
    const clock = yield* Effect.clock
    const registry = yield* effectMetrics.currentRegistry
    const labelsOf = (labels: Labels): Labels => [["store", name], ...labels]
    let registration: Registration | undefined
    let isShown = false
    let later = (_: () => void): void => undefined
    const show = (): void => {
      isShown = true
      registration?.show()
    }
    const used = (): void => {
      if (isShown) return
      isShown = true
      later(show)
    }
    /**
     * A counter or a histogram is registered when it is first used: opening a store uses few metrics,
     * so registering all then would slow the opening down. The registry reads counters, so that an
     * update is an addition.
     */
    const tally = (metric: effectMetrics.Counter, ...labels: Labels): Counter =>
      new Tally((self, before) => {
        const read = (): number => self.value - before
        const isRegistered = registration?.count(metric, labelsOf(labels), read, self.release) ?? false
        if (isRegistered) used()
        return isRegistered
      })
    const level = (metric: effectMetrics.Histogram): Histogram => {
      let series: Series | undefined
      const release = (): void => {
        series = undefined
      }
      const register = (): Series | undefined => {
        const made = registration?.series(metric, labelsOf([]), release)
        if (made !== undefined) used()
        return made
      }
      return {
        record: (n) => {
          series ??= register()
          series?.update(n)
        }
      }
    }
    const readings = (gauges: Gauges): ReadonlyArray<Reading> => {
      const reading = (metric: Reading["metric"], read: () => number, ...labels: Labels): Reading => ({
        metric,
        labels: labelsOf(labels),
        read
      })
      const byLevel = (metric: effectMetrics.Gauge, read: (level: number) => number) =>
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
        reading(snapshots, gauges.snapshots),
        reading(snapshotAge, gauges.snapshotAge),
        reading(valueFiles, gauges.valueFiles),
        reading(valueBytes, gauges.valueBytes),
        reading(valueLiveBytes, gauges.valueLiveBytes),
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
        const own = registerMetrics(registry, name, () => readings(gauges))
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
 * @since 3.0.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Metrics, InvalidArgument> =>
  Layer.effect(Metrics, make(options))
