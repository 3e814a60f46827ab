import type { Stats } from "../Stats.js"
import type { Engine } from "./engine.js"

/** What opening the store found. */
export type RecoveryStats = Stats["recovery"]

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** Gathers the statistics of a store, and brings its gauges up to date. */
export const statistics = (engine: Engine, recovery: RecoveryStats): Stats => {
  const { settings, metrics, manifest, wal, memtable, tables, compactor } = engine.parts
  const version = manifest.unsafeVersion()
  const { cache, reads, openTableBytes } = tables.unsafeStatus()
  const { unsafeEntries: entries } = tables
  const { backgroundError, scores } = compactor.unsafeStatus()
  const frozen = memtable.unsafeFrozen()
  const levels = version.levels.map((level, i) => ({
    level: i,
    tables: level.length,
    bytes: version.levelBytes(i),
    entries: level.reduce((n, { entries }) => n + entries, 0),
    deletions: level.reduce((n, { deletions }) => n + deletions, 0),
    score: scores[i] ?? 0
  }))
  const tableBytes = levels.reduce((n, { bytes }) => n + bytes, 0)
  const deepestBytes = levels[version.deepestLevel]!.bytes
  const written = {
    user: metrics.userBytes.value,
    log: metrics.logBytes.value,
    flush: metrics.flushBytes.value,
    compaction: metrics.compactionBytes.value
  }
  const byLevel = metrics.tableHits.map(({ value }) => value)
  const absent = reads.filterNegatives + reads.filterFalsePositives
  const stats: Stats = {
    directory: settings.directory,
    sequence: engine.visibleSequence,
    levels,
    tables: version.tableCount,
    tableBytes,
    memory: {
      activeMemtable: memtable.unsafeActive().memory,
      frozenMemtables: frozen.reduce((n, table) => n + table.memory, 0),
      frozenCount: frozen.length,
      blockCache: cache.used + entries.used,
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
      checks: reads.filterChecks,
      negatives: reads.filterNegatives,
      falsePositives: reads.filterFalsePositives,
      falsePositiveRate: ratio(reads.filterFalsePositives, absent)
    },
    cache: {
      hits: cache.hits,
      misses: cache.misses,
      evictions: cache.evictions,
      hitRate: ratio(cache.hits, cache.hits + cache.misses),
      entryHits: entries.hits
    },
    written,
    amplification: {
      write: ratio(written.log + written.flush + written.compaction, written.user),
      read: levels[0]!.tables + levels.slice(1).filter((level) => level.tables > 0).length,
      space: ratio(tableBytes, deepestBytes)
    },
    flushes: metrics.flushes.value,
    compactions: metrics.compactions.value,
    stalls: { slowdowns: metrics.slowdowns.value, stops: metrics.stops.value },
    snapshots: engine.snapshotCount,
    recovery,
    poisoned: engine.poison?.message,
    backgroundError: backgroundError?.message
  }
  setGauges(engine, stats)
  return stats
}

const setGauges = (engine: Engine, stats: Stats): void => {
  const { gauges } = engine.parts.metrics
  gauges.filterChecks.set(stats.filter.checks)
  gauges.filterNegatives.set(stats.filter.negatives)
  gauges.filterFalsePositives.set(stats.filter.falsePositives)
  gauges.cacheHits.set(stats.cache.hits)
  gauges.cacheMisses.set(stats.cache.misses)
  gauges.cacheEntryHits.set(stats.cache.entryHits)
  gauges.cacheBytes.set(stats.memory.blockCache)
  gauges.memtableBytes.set(stats.memory.activeMemtable + stats.memory.frozenMemtables)
  for (const { level, tables, bytes } of stats.levels) {
    gauges.levelTables[level]?.set(tables)
    gauges.levelBytes[level]?.set(bytes)
  }
  gauges.writeAmplification.set(stats.amplification.write)
  gauges.readAmplification.set(stats.amplification.read)
  gauges.spaceAmplification.set(stats.amplification.space)
}
