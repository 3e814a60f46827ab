import { compare } from "../bytes/bytes.js"
import { levelCount, type Version } from "../manifest/version.js"
import type { Superseded, TableMeta } from "../table/tableFormat.js"

/** What calls for compactions. */
export interface CompactionLimits {
  readonly level0Tables: number
  readonly level1Bytes: number
  readonly levelRatio: number
  /** A level is compacted from this score on. */
  readonly threshold: number
}

/** Tables to be merged: `inputs` of `level` with `overlaps` of `outputLevel`. Picking one changes nothing. */
export interface Compaction {
  readonly reason: "tables" | "bytes" | "manual" | "tombstones" | "versions"
  readonly level: number
  readonly outputLevel: number
  readonly inputs: ReadonlyArray<TableMeta>
  readonly overlaps: ReadonlyArray<TableMeta>
  /** Whether the inputs are written anew though they could be moved, so that what nobody needs of them is gone. */
  readonly rewrites: boolean
}

/** What tables hold beside the newest version of each key, and who needs it. */
export interface Garbage {
  /** The sequence numbers that snapshots hold, ascending. */
  readonly snapshots: ReadonlyArray<number>
  /** Undefined if it is not known. */
  readonly supersededOf: (table: TableMeta) => Superseded | undefined
}

/** How near each level is to its limit. The deepest possible level has none. */
export const levelScores = (version: Version, limits: CompactionLimits): ReadonlyArray<number> =>
  version.levels.map((tables, level) => {
    if (level === 0) return tables.length / limits.level0Tables
    if (level === levelCount - 1) return 0
    return version.levelBytes(level) / (limits.level1Bytes * limits.levelRatio ** (level - 1))
  })

/** The most urgent compaction, or undefined when every level is within its limit. */
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
 * The next tables to be written anew where they stand, because a good part of them is versions that only snapshots needed which are gone. The
 * deepest level has no limit that would call for it. Such a compaction drops all of them, so none is picked twice.
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

/** The part of a table that must be superseded before it is written anew in the background. */
const worthwhile = 0.1
/** At most so many tables are written anew at once. */
const most = 16

/** Whether a snapshot may need superseded versions of a table: one sees them if it is older than the newest version there and not the oldest. */
const isNeeded = ({ smallestSequence, largestSequence }: TableMeta, snapshots: ReadonlyArray<number>): boolean => {
  let from = 0
  let to = snapshots.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (snapshots[middle]! < smallestSequence) from = middle + 1
    else to = middle
  }
  return from < snapshots.length && snapshots[from]! < largestSequence
}

/** A level 0 compaction takes every table there, for they may overlap and an older one must not be passed. */
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
  return { reason, level, outputLevel, inputs, overlaps, rewrites }
}

/**
 * The table of a level with the least to rewrite below it for its own size. Both levels are in order, so one walk over them finds it: no table
 * is looked at again but one that reaches over several.
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

/** Whether the tables can go down a level as they are: nothing to drop, and nothing to merge with, neither below nor among themselves. */
export const isTrivialMove = ({ level, outputLevel, inputs, overlaps, rewrites }: Compaction): boolean => {
  if (rewrites || outputLevel === level || overlaps.length > 0) return false
  const sorted = [...inputs].sort((a, b) => compare(a.smallestKey, b.smallestKey))
  return sorted.every((table, i) => i === 0 || compare(sorted[i - 1]!.largestKey, table.smallestKey) < 0)
}

/**
 * The next step of compacting a closed key range (undefined: all keys) by hand, from `level` down. Undefined
 * when nothing of the range is left to do at this level or below.
 *
 * Tables that hold tombstones, or versions that no snapshot needs, are written anew though they could be moved down, or stand at the deepest
 * level already. One of which it is not known counts as one of them: once written anew, it is known.
 */
export const pickManual = (
  version: Version,
  level: number,
  range: { readonly smallest: Uint8Array | undefined; readonly largest: Uint8Array | undefined },
  { snapshots, supersededOf }: Garbage
): Compaction | undefined => {
  const holdsVersions = (table: TableMeta): boolean => {
    if (isNeeded(table, snapshots)) return false
    const superseded = supersededOf(table)
    return superseded === undefined ? table.smallestSequence < table.largestSequence : superseded.entries > 0
  }
  const touched = (at: number) => version.overlapping(at, range.smallest, range.largest)
  const deepest = version.deepestLevel
  for (let at = level; at < Math.max(deepest, 1); at++) {
    const inputs = touched(at)
    if (inputs.length === 0) continue
    const all = at === 0 ? version.levels[0]! : inputs
    const rewrites = all.some((table) => table.deletions > 0 || holdsVersions(table))
    return compactionOf(version, "manual", at, at + 1, all, rewrites)
  }
  if (deepest === 0 || level > deepest) return undefined
  // Tombstones and versions that a snapshot kept alive when they reached the bottom, and all tables between them, for what is
  // written of a merge may reach from its first key to its last.
  const bottom = touched(deepest)
  const holdsTombstones = (table: TableMeta): boolean =>
    table.deletions > 0 && (snapshots.length === 0 || snapshots[0]! >= table.smallestSequence)
  const isStale = (table: TableMeta): boolean => holdsTombstones(table) || holdsVersions(table)
  const stale = bottom.slice(Math.max(0, bottom.findIndex(isStale)), bottom.findLastIndex(isStale) + 1)
  if (stale.length === 0) return undefined
  return compactionOf(version, stale.some(holdsTombstones) ? "tombstones" : "versions", deepest, deepest, stale, true)
}
