import { compare } from "../bytes/bytes.js"
import type { Version } from "../manifest/version.js"
import type { TableMeta } from "../table/tableFormat.js"
import { type Compaction, compactionOf, type Garbage, isNeeded } from "./compactionPicker.js"

/** A closed range of keys. An undefined end is unbounded. */
export interface ManualRange {
  readonly smallest: Uint8Array | undefined
  readonly largest: Uint8Array | undefined
}

/** A table and its level. */
interface Placed {
  readonly level: number
  readonly table: TableMeta
}

/**
 * The first step of a compaction by hand of a range: level 0 into level 1, if the range has tables
 * at level 0. Undefined if it has none, or if it is everything: `planManual` then includes level 0.
 */
export const manualLevel0 = (version: Version, range: ManualRange, garbage: Garbage): Compaction | undefined => {
  if (isEverything(range) || version.overlapping(0, range.smallest, range.largest).length === 0) return undefined
  const inputs = version.levels[0]!
  return compactionOf(version, "manual", 0, 1, inputs, inputs.some(mayDrop(garbage)))
}

/**
 * Returns the compactions that bring all tables of a range to the deepest level. Each entry is
 * written at most once, however many levels there are. The compactions concern different tables, so
 * all of them stay valid while others are carried out and new tables come to level 0.
 *
 * Tables that overlap no other are moved. Tables with tombstones, with superseded versions that no
 * snapshot needs, or with handles to stale value files, are rewritten even if they could be moved, or are at the deepest level
 * already. A table counts as one of them if its superseded versions are not known. They are known
 * after the rewrite.
 */
export const planManual = (version: Version, range: ManualRange, garbage: Garbage): ReadonlyArray<Compaction> => {
  const bottom = Math.max(version.deepestLevel, 1)
  const plan: Array<Compaction> = []
  const isDue = (group: ReadonlyArray<Placed>): boolean => {
    if (group.length > 1) return true
    const { level, table } = group[0]!
    return level === bottom ? isStale(garbage)(table) : mayDrop(garbage)(table)
  }
  // Neighbours are carried out together: small tables become fewer, and there are fewer edits. The
  // output of a merge may span all keys between its inputs, so they must be neighbours.
  let merged: Array<Placed> = []
  let moved: Array<Placed> = []
  const finish = (): void => {
    if (merged.length > 0) plan.push(mergeOf(merged, bottom, garbage))
    if (moved.length > 0) plan.push(moveOf(moved, bottom))
    merged = []
    moved = []
  }
  for (const group of groupsOf(tablesOfRange(version, range, bottom))) {
    const [first] = group
    if (isDue(group)) {
      if (moved.length > 0) finish()
      merged.push(...group)
    } else if (first!.level === bottom) {
      finish()
    } else {
      if (merged.length > 0 || (moved.length > 0 && moved[0]!.level !== first!.level)) finish()
      moved.push(first!)
    }
  }
  finish()
  return plan
}

const moveOf = (placed: ReadonlyArray<Placed>, bottom: number): Compaction => ({
  reason: "manual",
  level: placed[0]!.level,
  outputLevel: bottom,
  inputs: placed.map(({ table }) => table),
  between: [],
  overlaps: [],
  rewrites: false
})

const isEverything = ({ smallest, largest }: ManualRange): boolean => smallest === undefined && largest === undefined

/**
 * The tables of a range, and the tables below them that they overlap: a newer version of a key must
 * not move below an older one.
 */
const tablesOfRange = (version: Version, range: ManualRange, bottom: number): ReadonlyArray<Placed> => {
  const placed: Array<Placed> = []
  let { smallest, largest } = range
  for (let level = isEverything(range) ? 0 : 1; level <= bottom; level++) {
    for (const table of version.overlapping(level, smallest, largest)) {
      placed.push({ level, table })
      if (smallest !== undefined && compare(table.smallestKey, smallest) < 0) smallest = table.smallestKey
      if (largest !== undefined && compare(table.largestKey, largest) > 0) largest = table.largestKey
    }
  }
  return placed
}

/** Groups tables so that no two of different groups overlap. Groups are in key order. */
const groupsOf = (placed: ReadonlyArray<Placed>): ReadonlyArray<ReadonlyArray<Placed>> => {
  const sorted = [...placed].sort((a, b) => compare(a.table.smallestKey, b.table.smallestKey))
  const groups: Array<Array<Placed>> = []
  let largest: Uint8Array | undefined
  for (const one of sorted) {
    const { smallestKey, largestKey } = one.table
    if (largest === undefined || compare(largest, smallestKey) < 0) groups.push([one])
    else groups[groups.length - 1]!.push(one)
    if (largest === undefined || compare(largestKey, largest) > 0) largest = largestKey
  }
  return groups
}

/** The compaction that merges tables into the deepest level. */
const mergeOf = (placed: ReadonlyArray<Placed>, bottom: number, garbage: Garbage): Compaction => {
  const at = (level: number) => placed.filter((one) => one.level === level).map(({ table }) => table)
  const level = Math.min(...placed.map((one) => one.level))
  // Level 0 is ordered from the newest table to the oldest, the others by key.
  const inputs = level === 0 ? at(0).sort((a, b) => b.largestSequence - a.largestSequence) : at(level)
  const between = Array.from({ length: Math.max(0, bottom - level - 1) }, (_, i) => level + 1 + i)
    .map((middle) => ({ level: middle, tables: at(middle) }))
    .filter(({ tables }) => tables.length > 0)
  const overlaps = level === bottom ? [] : at(bottom)
  const reason =
    level < bottom
      ? "manual"
      : inputs.some(holdsTombstones(garbage))
        ? "tombstones"
        : inputs.some(holdsVersions(garbage))
          ? "versions"
          : "values"
  return { reason, level, outputLevel: bottom, inputs, between, overlaps, rewrites: true }
}

const holdsVersions =
  ({ snapshots, supersededOf }: Garbage) =>
  (table: TableMeta): boolean => {
    if (isNeeded(table, snapshots)) return false
    const superseded = supersededOf(table)
    return superseded === undefined ? table.smallestSequence < table.largestSequence : superseded.entries > 0
  }

/** Whether a merge may drop tombstones of a table of the deepest level. */
const holdsTombstones =
  ({ snapshots }: Garbage) =>
  (table: TableMeta): boolean =>
    table.deletions > 0 && (snapshots.length === 0 || snapshots[0]! >= table.smallestSequence)

/** Whether a table has handles to values in files that are collected. */
const holdsStaleValues =
  ({ staleFiles = [] }: Garbage) =>
  ({ valueRefs = [] }: TableMeta): boolean =>
    valueRefs.some(({ fileNumber }) => staleFiles.includes(fileNumber))

/** Whether a table above the deepest level holds something that a merge may drop. */
const mayDrop =
  (garbage: Garbage) =>
  (table: TableMeta): boolean =>
    table.deletions > 0 || holdsGarbage(garbage)(table)

/** The same for a table of the deepest level. */
const isStale =
  (garbage: Garbage) =>
  (table: TableMeta): boolean =>
    holdsTombstones(garbage)(table) || holdsGarbage(garbage)(table)

const holdsGarbage =
  (garbage: Garbage) =>
  (table: TableMeta): boolean =>
    holdsVersions(garbage)(table) ||
    holdsStaleValues(garbage)(table) ||
    garbage.holdsCovered?.(table) === true ||
    mayHoldExpired(garbage)(table)

/** Only the last time is known of the entries of a table. */
const mayHoldExpired =
  ({ expiredUntil = 0 }: Garbage) =>
  ({ expiring }: TableMeta): boolean =>
    expiring !== undefined && expiring.entries > 0 && expiredUntil > 0
