import { compare } from "./bytes.js"
import type { TableMeta } from "./tableFormat.js"
import { levelCount, type Version } from "./version.js"

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
  readonly reason: "tables" | "bytes" | "manual" | "tombstones"
  readonly level: number
  readonly outputLevel: number
  readonly inputs: ReadonlyArray<TableMeta>
  readonly overlaps: ReadonlyArray<TableMeta>
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

/** A level 0 compaction takes every table there, for they may overlap and an older one must not be passed. */
export const compactionOf = (
  version: Version,
  reason: Compaction["reason"],
  level: number,
  outputLevel: number,
  inputs: ReadonlyArray<TableMeta>
): Compaction => {
  const { smallest, largest } = keyRange(inputs)
  const overlaps = outputLevel === level ? [] : version.overlapping(outputLevel, smallest, largest)
  return { reason, level, outputLevel, inputs, overlaps }
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

/**
 * Whether the tables can go down a level as they are: nothing to merge with, neither below nor among themselves. By hand
 * tables with tombstones are rewritten all the same, so that those are gone.
 */
export const isTrivialMove = ({ reason, level, outputLevel, inputs, overlaps }: Compaction): boolean => {
  if (outputLevel === level || overlaps.length > 0) return false
  if (reason === "manual" && inputs.some(({ deletions }) => deletions > 0)) return false
  const sorted = [...inputs].sort((a, b) => compare(a.smallestKey, b.smallestKey))
  return sorted.every((table, i) => i === 0 || compare(sorted[i - 1]!.largestKey, table.smallestKey) < 0)
}

/**
 * The next step of compacting a closed key range (undefined: all keys) by hand, from `level` down. Undefined
 * when nothing of the range is left to do at this level or below.
 */
export const pickManual = (
  version: Version,
  level: number,
  range: { readonly smallest: Uint8Array | undefined; readonly largest: Uint8Array | undefined }
): Compaction | undefined => {
  const touched = (at: number) => version.overlapping(at, range.smallest, range.largest)
  const deepest = version.deepestLevel
  for (let at = level; at < Math.max(deepest, 1); at++) {
    const inputs = touched(at)
    if (inputs.length > 0) return compactionOf(version, "manual", at, at + 1, at === 0 ? version.levels[0]! : inputs)
  }
  // Tombstones that a snapshot kept alive when they reached the bottom, and all tables between them, for what is
  // written of a merge may reach from its first key to its last.
  const isStale = (table: TableMeta): boolean => table.deletions > 0
  const bottom = touched(deepest)
  const stale = bottom.slice(Math.max(0, bottom.findIndex(isStale)), bottom.findLastIndex(isStale) + 1)
  return deepest > 0 && level <= deepest && stale.length > 0
    ? compactionOf(version, "tombstones", deepest, deepest, stale)
    : undefined
}
