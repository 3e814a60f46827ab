import { liveBytes } from "../../core/manifest/liveBytes.js"
import type { Version } from "../../core/manifest/version.js"
import type { Gauges, MetricsService } from "../../Metrics.js"
import type { Stats } from "../../Stats.js"
import type { Engine } from "./engine.js"

/** The findings of recovery. */
export type RecoveryStats = Stats["recovery"]

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** Gathers the statistics of a store. */
export const statistics = (engine: Engine, recovery: RecoveryStats): Stats => {
  const { settings, metrics, manifest, wal, memtable, tables, compactor } = engine.parts
  const version = manifest.unsafeVersion()
  const { cache, filter, openTableBytes } = tables.unsafeStatus()
  const { backgroundError, scores } = compactor.unsafeStatus()
  const frozen = memtable.unsafeFrozen()
  const levels = version.levels.map((level, i) => ({
    level: i,
    tables: level.length,
    bytes: version.levelBytes(i),
    entries: version.totals[i]!.entries,
    deletions: version.totals[i]!.deletions,
    score: scores[i] ?? 0
  }))
  const byLevel = metrics.tableHits.map(({ value }) => value)
  const absent = filter.negatives + filter.falsePositives
  return {
    directory: settings.directory,
    sequence: engine.visibleSequence,
    levels,
    tables: version.tableCount,
    tableBytes: version.byteCount,
    valueFiles: valueFilesOf(version),
    memory: {
      activeMemtable: memtable.unsafeActive().memory,
      frozenMemtables: frozen.reduce((n, table) => n + table.memory, 0),
      frozenCount: frozen.length,
      blockCache: cache.bytes,
      openTables: openTableBytes,
      logQueue: wal.unsafeQueuedBytes()
    },
    log: {
      segments: manifest.unsafeState().segments.length,
      segmentBytes: wal.unsafeStatus().segmentBytes,
      syncs: metrics.logSyncs.value,
      syncedRecords: metrics.syncedRecords.value
    },
    operations: {
      puts: metrics.puts.value,
      gets: metrics.gets.value,
      deletes: metrics.deletes.value,
      batches: metrics.batches.value,
      scans: metrics.scans.value
    },
    reads: {
      memtableHits: metrics.memtableHits.value,
      tableHits: byLevel.reduce((n, hits) => n + hits, 0),
      misses: metrics.misses.value,
      byLevel
    },
    filter: {
      ...filter,
      falsePositiveRate: ratio(filter.falsePositives, absent)
    },
    cache: {
      hits: cache.hits,
      misses: cache.misses,
      evictions: cache.evictions,
      hitRate: ratio(cache.hits, cache.hits + cache.misses),
      entryHits: cache.entryHits
    },
    written: written(metrics),
    amplification: {
      write: writeAmplification(written(metrics)),
      read: readAmplification(version),
      space: spaceAmplification(version)
    },
    flushes: metrics.flushes.value,
    compactions: metrics.compactions.value,
    stalls: { slowdowns: metrics.slowdowns.value, stops: metrics.stops.value },
    snapshots: engine.snapshots.count,
    oldestSnapshotMillis: engine.snapshots.age,
    recovery,
    poisoned: engine.poison?.message,
    backgroundError: backgroundError?.message
  }
}

const written = ({ userBytes, logBytes, flushBytes, compactionBytes }: MetricsService): Stats["written"] => ({
  user: userBytes.value,
  log: logBytes.value,
  flush: flushBytes.value,
  compaction: compactionBytes.value
})

const writeAmplification = ({ compaction, flush, log, user }: Stats["written"]): number =>
  ratio(log + flush + compaction, user)

/** How many places a lookup may have to search. */
const readAmplification = ({ levels }: Version): number =>
  levels.reduce((n, tables, level) => n + (level === 0 ? tables.length : Math.min(1, tables.length)), 0)

const spaceAmplification = (version: Version): number =>
  ratio(version.byteCount + valueFilesOf(version).bytes, liveBytes(version))

const valueFilesOf = ({ valueFiles }: Version): Stats["valueFiles"] => {
  const all = [...valueFiles.values()]
  return {
    count: all.length,
    bytes: all.reduce((n, { size }) => n + size, 0),
    liveBytes: all.reduce((n, { bytes }) => n + bytes, 0)
  }
}

/** Functions that read the gauges of a store. */
export const gaugesOf = ({ parts, snapshots }: Engine): Gauges => {
  const { manifest, memtable, metrics, tables } = parts
  const version = () => manifest.unsafeVersion()
  return {
    filterChecks: () => tables.unsafeStatus().filter.checks,
    filterNegatives: () => tables.unsafeStatus().filter.negatives,
    filterFalsePositives: () => tables.unsafeStatus().filter.falsePositives,
    cacheHits: () => tables.unsafeStatus().cache.hits,
    cacheMisses: () => tables.unsafeStatus().cache.misses,
    cacheEntryHits: () => tables.unsafeStatus().cache.entryHits,
    cacheBytes: () => tables.unsafeStatus().cache.bytes,
    memtableBytes: () => memtable.unsafeAll().reduce((n, table) => n + table.memory, 0),
    levelTables: (level) => version().levels[level]!.length,
    levelBytes: (level) => version().levelBytes(level),
    valueFiles: () => version().valueFiles.size,
    valueBytes: () => valueFilesOf(version()).bytes,
    valueLiveBytes: () => valueFilesOf(version()).liveBytes,
    snapshots: () => snapshots.count,
    snapshotAge: () => snapshots.age / 1000,
    writeAmplification: () => writeAmplification(written(metrics)),
    readAmplification: () => readAmplification(version()),
    spaceAmplification: () => spaceAmplification(version())
  }
}
