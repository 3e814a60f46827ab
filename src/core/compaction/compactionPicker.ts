import { compare } from "../bytes/bytes.js"
import { levelCount, type Version } from "../manifest/version.js"
import { Coverage, type Separates } from "../ranges/coverage.js"
import type { RangeDeletion } from "../ranges/rangeDeletion.js"
import type { Superseded, TableMeta } from "../table/tableFormat.js"

/** The limits that trigger compactions. */
export interface CompactionLimits {
  readonly level0Tables: number
  readonly level1Bytes: number
  readonly levelRatio: number
  /** A level is compacted if its score is at least this. */
  readonly threshold: number
}

/** Tables of one level. */
export interface LevelTables {
  readonly level: number
  readonly tables: ReadonlyArray<TableMeta>
}

/**
 * Tables to merge: `inputs` of `level` with `overlaps` of `outputLevel`. Only a description:
 * picking a compaction changes nothing.
 */
export interface Compaction {
  readonly reason: "tables" | "bytes" | "manual" | "tombstones" | "versions" | "values" | "covered" | "expired"
  readonly level: number
  readonly outputLevel: number
  readonly inputs: ReadonlyArray<TableMeta>
  /** Tables of levels between the two, shallowest first. Only compactions by hand have any. */
  readonly between: ReadonlyArray<LevelTables>
  readonly overlaps: ReadonlyArray<TableMeta>
  /**
   * Whether the inputs are rewritten even if they could be moved, to drop tombstones and versions
   * that are no longer needed, or to collect values.
   */
  readonly rewrites: boolean
}

/**
 * The superseded versions in tables, the snapshots that may need them, and the value files to
 * collect.
 */
export interface Garbage {
  /** The sequence numbers of open snapshots, ascending. */
  readonly snapshots: ReadonlyArray<number>
  /** Returns undefined if they are not known for a table. */
  readonly supersededOf: (table: TableMeta) => Superseded | undefined
  /** The value files that a compaction by hand collects. Default none. */
  readonly staleFiles?: ReadonlyArray<number> | undefined
  /** Whether a range deletion covers entries of a table that no snapshot needs. Default no. */
  readonly holdsCovered?: ((table: TableMeta) => boolean) | undefined
  /** Entries that expire until then have expired for all readers. Default 0. */
  readonly expiredUntil?: number | undefined
}

/**
 * Returns the score of each level: its bytes, or for level 0 its number of tables, divided by its
 * limit. The deepest possible level has no limit, and its score is 0.
 */
export const levelScores = (version: Version, limits: CompactionLimits): ReadonlyArray<number> =>
  version.levels.map((tables, level) => {
    if (level === 0) return tables.length / limits.level0Tables
    if (level === levelCount - 1) return 0
    return version.levelBytes(level) / (limits.level1Bytes * limits.levelRatio ** (level - 1))
  })

/**
 * Returns the compaction of the level with the highest score, or undefined if no score reaches the
 * threshold.
 */
export const pickCompaction = (version: Version, limits: CompactionLimits): Compaction | undefined => {
  const scores = levelScores(version, limits)
  let level = -1
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! >= limits.threshold && (level < 0 || scores[i]! > scores[level]!)) level = i
  }
  if (level < 0) return undefined
  if (level === 0) return compactionOf(version, "tables", 0, 1, version.levels[0]!)
  return compactionOf(version, "bytes", level, level + 1, [cheapestTable(version, level)])
}

/**
 * Returns the next tables to rewrite in place, because a good part of their entries are superseded
 * versions that no open snapshot needs. The limits alone would never compact the deepest level, so
 * these entries would stay forever. Such a compaction drops all of them, so no table is picked
 * twice.
 */
export const pickSuperseded = (version: Version, garbage: Garbage): Compaction | undefined => {
  const isDue = (table: TableMeta): boolean => {
    const superseded = garbage.supersededOf(table)
    if (superseded === undefined || superseded.entries === 0 || isNeeded(table, garbage.snapshots)) return false
    return superseded.entries >= table.entries * worthwhile || superseded.bytes >= table.rawBytes * worthwhile
  }
  for (let level = 1; level < version.levels.length; level++) {
    const tables = version.levels[level]!
    const from = tables.findIndex(isDue)
    if (from < 0) continue
    let to = from + 1
    while (to < Math.min(tables.length, from + most) && isDue(tables[to]!)) to++
    return compactionOf(version, "versions", level, level, tables.slice(from, to), true)
  }
  return undefined
}

/**
 * Returns tables of one level that range deletions hide as a whole, so that they can be dropped unread.
 * Undefined if there are none. A table with range deletions stays if one reaches beyond what hides it.
 * A table of nothing but range deletions is dropped when they cover no entry any more.
 */
export const pickCovered = (
  version: Version,
  snapshots: ReadonlyArray<number>
): { readonly level: number; readonly tables: ReadonlyArray<TableMeta> } | undefined => {
  if (!version.holdsRanges) return undefined
  const separates = (from: number, to: number): boolean => isSeen(from, to, snapshots)
  const coverage = coverageOf(version.ranges, snapshots)
  for (let level = 0; level < version.levels.length; level++) {
    const tables = version.levels[level]!.filter(
      (table) => isSpent(version, table) || isCovered(table, coverage, separates)
    )
    if (tables.length > 0) return { level, tables }
  }
  return undefined
}

/**
 * Returns tables to rewrite in place, because their own range deletions cover entries of theirs that a
 * snapshot has needed. Afterwards they do not, so this ends.
 */
export const pickUncleared = (version: Version, snapshots: ReadonlyArray<number>): Compaction | undefined => {
  if (!version.holdsRanges) return undefined
  const isDue = (table: TableMeta): boolean =>
    table.ranges?.some(({ sequence }) => mayClear(table, sequence, snapshots)) === true
  for (let level = 1; level < version.levels.length; level++) {
    const table = version.levels[level]!.find(isDue)
    if (table !== undefined) return compactionOf(version, "covered", level, level, [table], true)
  }
  return undefined
}

/**
 * Returns tables to rewrite in place, because all of their entries that expire have done so for all
 * readers, and they are a good part. Afterwards there are none, so this ends.
 */
export const pickExpired = (version: Version, expiredUntil: number): Compaction | undefined => {
  const isDue = ({ entries, expiring }: TableMeta): boolean =>
    expiring !== undefined &&
    expiring.entries > 0 &&
    expiring.latest <= expiredUntil &&
    expiring.entries >= entries * worthwhile
  for (let level = 1; level < version.levels.length; level++) {
    if (version.totals[level]!.expiring === 0) continue
    const tables = version.levels[level]!
    const from = tables.findIndex(isDue)
    if (from < 0) continue
    let to = from + 1
    while (to < Math.min(tables.length, from + most) && isDue(tables[to]!)) to++
    return compactionOf(version, "expired", level, level, tables.slice(from, to), true)
  }
  return undefined
}

/** Whether a merge of a table may drop entries that a range deletion covers, if it overlaps the table. */
const mayClear = (table: TableMeta, sequence: number, snapshots: ReadonlyArray<number>): boolean =>
  table.smallestSequence < sequence && (table.cleared ?? 0) < sequence && (snapshots[0] ?? sequence) >= sequence

const isSpent = (version: Version, { entries, ranges }: TableMeta): boolean =>
  ranges !== undefined &&
  ranges.length > 0 &&
  ranges.length === entries &&
  !ranges.some(({ sequence }) => version.isInForce(sequence))

/** What was gathered last of the ranges of a version, if no snapshot mattered. */
const gathered = new WeakMap<ReadonlyArray<RangeDeletion>, Coverage>()

const coverageOf = (ranges: ReadonlyArray<RangeDeletion>, snapshots: ReadonlyArray<number>): Coverage => {
  const known = snapshots.length === 0 ? gathered.get(ranges) : undefined
  if (known !== undefined) return known
  const coverage = new Coverage()
  for (const range of ranges) coverage.add(range, (from, to) => isSeen(from, to, snapshots))
  if (snapshots.length === 0) gathered.set(ranges, coverage)
  return coverage
}

/** A deletion of all keys of the table, at the number of its newest entry, would change nothing. */
const isCovered = (
  { largestKey, largestSequence: sequence, ranges = [], smallestKey, smallestSequence }: TableMeta,
  coverage: Coverage,
  separates: Separates
): boolean => {
  const end = new Uint8Array(largestKey.length + 1)
  end.set(largestKey)
  return (
    coverage.supersedes({ start: smallestKey, end, sequence }, (_, to) => separates(smallestSequence, to)) &&
    ranges.every((range) => coverage.supersedes(range, separates))
  )
}

/** Returns whether a range deletion covers entries of a table that no snapshot needs. */
export const holdsCovered = (version: Version, snapshots: ReadonlyArray<number>): ((table: TableMeta) => boolean) => {
  if (version.ranges.length === 0) return () => false
  const coverage = new Coverage()
  for (const range of version.ranges) coverage.add(range, () => true)
  return (table) => coverage.holdsIn(table, (sequence) => mayClear(table, sequence, snapshots))
}

/** The fraction of a table that must be superseded before background work rewrites it. */
const worthwhile = 0.1
/** The most tables that one such compaction rewrites. */
export const most = 16

/**
 * Whether an open snapshot may need superseded versions of a table. It may if it is older than the
 * newest entry of the table, but not older than the oldest.
 */
export const isNeeded = ({ smallestSequence, largestSequence }: TableMeta, snapshots: ReadonlyArray<number>): boolean =>
  isSeen(smallestSequence, largestSequence, snapshots)

/** Whether a snapshot lies in [since, until). */
const isSeen = (since: number, until: number, snapshots: ReadonlyArray<number>): boolean => {
  let from = 0
  let to = snapshots.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (snapshots[middle]! < since) from = middle + 1
    else to = middle
  }
  return from < snapshots.length && snapshots[from]! < until
}

/**
 * Builds a compaction. For level 0, `inputs` must be all of its tables: they may overlap, and a
 * newer version must not move below an older one.
 */
export const compactionOf = (
  version: Version,
  reason: Compaction["reason"],
  level: number,
  outputLevel: number,
  inputs: ReadonlyArray<TableMeta>,
  rewrites = false
): Compaction => {
  const { smallest, largest } = keyRange(inputs)
  const overlaps = outputLevel === level ? [] : version.overlapping(outputLevel, smallest, largest)
  return { reason, level, outputLevel, inputs, between: [], overlaps, rewrites }
}

/**
 * Returns the table of a level with the fewest overlapping bytes in the level below, relative to
 * its own size. Both levels are sorted, so one pass over them is enough. Only a lower table that
 * overlaps several upper ones is visited more than once.
 */
const cheapestTable = (version: Version, level: number): TableMeta => {
  const below = version.levels[level + 1]!
  let best: TableMeta | undefined
  let bestRatio = Number.POSITIVE_INFINITY
  let first = 0
  for (const table of version.levels[level]!) {
    while (first < below.length && compare(below[first]!.largestKey, table.smallestKey) < 0) first++
    let bytes = 0
    for (let at = first; at < below.length && compare(below[at]!.smallestKey, table.largestKey) <= 0; at++) {
      bytes += below[at]!.size
    }
    const ratio = bytes / table.size
    if (ratio < bestRatio) {
      best = table
      bestRatio = ratio
    }
    if (ratio === 0) break
  }
  return best!
}

/** All tables of a compaction, each with its level. */
export const tablesOf = ({ level, outputLevel, inputs, between, overlaps }: Compaction): ReadonlyArray<LevelTables> => [
  { level, tables: inputs },
  ...between,
  { level: outputLevel, tables: overlaps }
]

export const keyRange = (
  tables: ReadonlyArray<TableMeta>
): { readonly smallest: Uint8Array; readonly largest: Uint8Array } => {
  let { smallestKey: smallest, largestKey: largest } = tables[0]!
  for (const table of tables) {
    if (compare(table.smallestKey, smallest) < 0) smallest = table.smallestKey
    if (compare(table.largestKey, largest) > 0) largest = table.largestKey
  }
  return { smallest, largest }
}

/**
 * Whether the inputs can move to the output level unchanged. That is so if there is nothing to
 * drop, and they overlap neither tables of the output level nor each other.
 */
export const isTrivialMove = ({ level, outputLevel, inputs, between, overlaps, rewrites }: Compaction): boolean => {
  if (rewrites || outputLevel === level || between.length + overlaps.length > 0) return false
  const sorted = [...inputs].sort((a, b) => compare(a.smallestKey, b.smallestKey))
  return sorted.every((table, i) => i === 0 || compare(sorted[i - 1]!.largestKey, table.smallestKey) < 0)
}
