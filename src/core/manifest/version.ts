import { compare, compareRange } from "../bytes/bytes.js"
import { overlapsBounds, type RangeDeletion } from "../ranges/rangeDeletion.js"
import { fileHeaderSize } from "../storage/fileHeader.js"
import { findTable } from "../table/levelCursor.js"
import type { TableMeta } from "../table/tableFormat.js"
import { referencedBytes, type ValueFile } from "../values/valueFile.js"

export const levelCount = 7

/** Totals over the tables of one level. */
export interface LevelTotals {
  readonly bytes: number
  readonly entries: number
  /** Bytes of keys and values before compression, with the values that tables have handles to. */
  readonly rawBytes: number
  readonly deletions: number
  /** Entries known not to be the newest version of their key in their table. */
  readonly superseded: number
  /** Entries that expire. */
  readonly expiring: number
}

const noTotals: LevelTotals = { bytes: 0, entries: 0, rawBytes: 0, deletions: 0, superseded: 0, expiring: 0 }

const plus = (totals: LevelTotals, tables: ReadonlyArray<TableMeta>, sign: 1 | -1 = 1): LevelTotals => {
  let { bytes, entries, rawBytes, deletions, superseded, expiring } = totals
  for (const table of tables) {
    bytes += sign * table.size
    entries += sign * table.entries
    rawBytes += sign * (table.rawBytes + referencedBytes(table.valueRefs))
    deletions += sign * table.deletions
    superseded += sign * (table.superseded?.entries ?? 0)
    expiring += sign * (table.expiring?.entries ?? 0)
  }
  return { bytes, entries, rawBytes, deletions, superseded, expiring }
}

/** A file with values, and the handles that the tables of a version have to it. */
export interface LiveValues extends ValueFile {
  /** How many tables have handles to it. */
  readonly tables: number
  readonly entries: number
  /** Bytes of the values that the handles lead to. */
  readonly bytes: number
}

type ValueFiles = ReadonlyMap<number, LiveValues>

const noValueFiles: ValueFiles = new Map()

/** The files with values after a change. One that no table has handles to any more is left out. */
const valueFilesAfter = (
  before: ValueFiles,
  recorded: ReadonlyArray<ValueFile>,
  gone: ReadonlyArray<TableMeta>,
  added: ReadonlyArray<TableMeta>
): ValueFiles => {
  const holdsHandles = ({ valueRefs }: TableMeta): boolean => valueRefs !== undefined
  if (recorded.length === 0 && !gone.some(holdsHandles) && !added.some(holdsHandles)) return before
  const after = new Map(before)
  for (const file of recorded) after.set(file.fileNumber, { ...file, tables: 0, entries: 0, bytes: 0 })
  const count = (tables: ReadonlyArray<TableMeta>, sign: 1 | -1): void => {
    for (const { fileNumber, entries, bytes } of tables.flatMap((table) => table.valueRefs ?? [])) {
      const file = after.get(fileNumber) ?? { ...unrecorded, fileNumber }
      after.set(fileNumber, {
        ...file,
        tables: file.tables + sign,
        entries: file.entries + sign * entries,
        bytes: file.bytes + sign * bytes
      })
    }
  }
  count(added, 1)
  count(gone, -1)
  for (const { fileNumber, tables } of after.values()) if (tables <= 0) after.delete(fileNumber)
  return after
}

/** A file that tables have handles to, but that no edit has named. `versionFault` reports it. */
const unrecorded: Omit<LiveValues, "fileNumber"> = { kind: "values", size: 0, tables: 0, entries: 0, bytes: 0 }

const holdsRanges = ({ ranges }: TableMeta): boolean => ranges !== undefined && ranges.length > 0

const boundsOf = (tables: ReadonlyArray<TableMeta>): KeyBounds => {
  let { smallestKey, largestKey } = tables[0]!
  for (const table of tables) {
    if (compare(table.smallestKey, smallestKey) < 0) smallestKey = table.smallestKey
    if (compare(table.largestKey, largestKey) > 0) largestKey = table.largestKey
  }
  return { smallestKey, largestKey }
}

/** The sequence numbers of range deletions, for versions that share them. */
const sequencesOf = new WeakMap<ReadonlyArray<RangeDeletion>, ReadonlySet<number>>()

const noRanges: ReadonlyArray<RangeDeletion> = []

const carriersAfter = (
  before: ReadonlyArray<TableMeta>,
  removed: ReadonlySet<number>,
  added: ReadonlyArray<TableMeta>
): ReadonlyArray<TableMeta> => {
  const more = added.filter(holdsRanges)
  if (more.length === 0 && !before.some(({ fileNumber }) => removed.has(fileNumber))) return before
  return [...before.filter(({ fileNumber }) => !removed.has(fileNumber)), ...more]
}

/**
 * An immutable set of tables by level, and of the files with values that they have handles to. The tables of level 0 may overlap, and are ordered from the
 * newest to the oldest. The tables of a deeper level are disjoint and ordered by key.
 */
export class Version {
  readonly entryCount: number
  /** Total bytes of all tables. */
  readonly byteCount: number
  /** Bytes of keys and values before compression, with the values that tables have handles to. */
  readonly rawBytes: number

  constructor(
    readonly levels: ReadonlyArray<ReadonlyArray<TableMeta>>,
    readonly totals: ReadonlyArray<LevelTotals> = levels.map((tables) => plus(noTotals, tables)),
    /** The files with values, by number. */
    readonly valueFiles: ReadonlyMap<number, LiveValues> = noValueFiles,
    /** The tables with range deletions. */
    private readonly carriers: ReadonlyArray<TableMeta> = levels.flat().filter(holdsRanges)
  ) {
    this.entryCount = totals.reduce((sum, { entries }) => sum + entries, 0)
    this.byteCount = totals.reduce((sum, { bytes }) => sum + bytes, 0)
    this.rawBytes = totals.reduce((sum, one) => sum + one.rawBytes, 0)
  }

  private inForce: ReadonlyArray<RangeDeletion> | undefined

  /** Whether any table has range deletions. */
  get holdsRanges(): boolean {
    return this.carriers.length > 0
  }

  /** Whether any table has entries that expire. */
  get holdsExpiring(): boolean {
    return this.totals.some(({ expiring }) => expiring > 0)
  }

  /** Whether any table has range deletions or entries that expire. */
  get needsAllKinds(): boolean {
    return this.holdsRanges || this.holdsExpiring
  }

  /** The newest range deletion in any table; 0 if there is none. */
  get newestRange(): number {
    return this.carriers.reduce((newest, { ranges }) => ranges!.reduce((n, r) => Math.max(n, r.sequence), newest), 0)
  }

  /**
   * The range deletions that may cover entries of tables. The same array for versions that do not differ
   * in them.
   */
  get ranges(): ReadonlyArray<RangeDeletion> {
    if (this.carriers.length === 0) return noRanges
    this.inForce ??= this.carriers.flatMap(({ ranges }) => ranges!.filter((range) => !this.isDone(range)))
    return this.inForce
  }

  /** Whether the range deletion of a sequence number is among `ranges`. */
  isInForce(sequence: number): boolean {
    const { ranges } = this
    let sequences = sequencesOf.get(ranges)
    if (sequences === undefined) {
      sequences = new Set(ranges.map((range) => range.sequence))
      sequencesOf.set(ranges, sequences)
    }
    return sequences.has(sequence)
  }

  /**
   * Takes over from the version before what it knows. Only a table that is gone can have been the last
   * one that a range deletion covered.
   */
  private inherit(before: Version, gone: ReadonlyArray<TableMeta>, added: ReadonlyArray<TableMeta>): void {
    const { inForce } = before
    if (inForce === undefined || this.carriers.length === 0) return
    const stay = new Set(added.flatMap(({ ranges = [] }) => ranges.map(({ sequence }) => sequence)))
    const lost = new Set(gone.flatMap(({ ranges = [] }) => ranges.map(({ sequence }) => sequence)))
    const isGone = ({ sequence }: RangeDeletion): boolean => lost.has(sequence) && !stay.has(sequence)
    const concerned = gone.length === 0 ? undefined : boundsOf(gone)
    const kept = inForce.filter(
      (range) => !isGone(range) && !(concerned !== undefined && overlapsBounds(range, concerned) && this.isDone(range))
    )
    const fresh = added.flatMap(({ ranges = [] }) =>
      ranges.filter((range) => !before.isInForce(range.sequence) && !lost.has(range.sequence) && !this.isDone(range))
    )
    this.inForce = fresh.length === 0 && kept.length === inForce.length ? inForce : [...kept, ...fresh]
  }

  /** Whether a range deletion covers no entry of any table, but for those of `without`. */
  isDone(range: RangeDeletion, without?: ReadonlySet<number>): boolean {
    const { start, end, sequence } = range
    return this.levels.every((_, level) =>
      this.overlapping(level, start, end).every(
        (table) =>
          table.smallestSequence >= sequence ||
          (table.cleared ?? 0) >= sequence ||
          without?.has(table.fileNumber) === true ||
          !overlapsBounds(range, table)
      )
    )
  }

  static readonly empty = new Version(Array.from({ length: levelCount }, () => []))

  levelBytes(level: number): number {
    return this.totals[level]!.bytes
  }

  get tableCount(): number {
    return this.levels.reduce((n, tables) => n + tables.length, 0)
  }

  get deepestLevel(): number {
    for (let level = this.levels.length - 1; level > 0; level--) if (this.levels[level]!.length > 0) return level
    return 0
  }

  /**
   * Returns the tables of a level that overlap the closed range [smallest, largest]. An undefined
   * end is unbounded.
   */
  overlapping(
    level: number,
    smallest: Uint8Array | undefined,
    largest: Uint8Array | undefined
  ): ReadonlyArray<TableMeta> {
    const tables = this.levels[level]!
    if (level > 0) {
      const from = smallest === undefined ? 0 : findTable(tables, smallest, smallest.length)
      return tables.slice(from, largest === undefined ? tables.length : firstBehind(tables, largest, from))
    }
    return tables.filter(
      (table) =>
        (smallest === undefined || compare(table.largestKey, smallest) >= 0) &&
        (largest === undefined || compare(table.smallestKey, largest) <= 0)
    )
  }

  /**
   * Returns this version with the changes applied. Both versions share the levels that the edit
   * does not change.
   */
  apply(edit: TableChanges): Version {
    if (edit.added.length + edit.removed.length === 0) return this
    const removed = new Set(edit.removed.map(({ fileNumber }) => fileNumber))
    const concerned = new Set([...edit.removed, ...edit.added].map(({ level }) => level))
    const levels = [...this.levels]
    const totals = [...this.totals]
    const allGone: Array<TableMeta> = []
    for (const level of concerned) {
      const gone: Array<TableMeta> = []
      const kept = levels[level]!.filter((table) => {
        if (!removed.has(table.fileNumber)) return true
        gone.push(table)
        return false
      })
      const added = edit.added.filter((change) => change.level === level).map(({ table }) => table)
      levels[level] = added.length === 0 ? kept : merged(kept, added, level === 0 ? byAge : byKey)
      totals[level] = plus(plus(totals[level]!, gone, -1), added)
      allGone.push(...gone)
    }
    const allAdded = edit.added.map(({ table }) => table)
    const valueFiles = valueFilesAfter(this.valueFiles, edit.valueFiles ?? [], allGone, allAdded)
    const version = new Version(levels, totals, valueFiles, carriersAfter(this.carriers, removed, allAdded))
    version.inherit(this, allGone, allAdded)
    return version
  }
}

type Order = (a: TableMeta, b: TableMeta) => number

const byAge: Order = (a, b) => b.largestSequence - a.largestSequence || b.fileNumber - a.fileNumber
const byKey: Order = (a, b) => compare(a.smallestKey, b.smallestKey)

/**
 * Merges two lists in order. `sorted` is in order already, so only the positions of `others` need
 * a search.
 */
const merged = (
  sorted: ReadonlyArray<TableMeta>,
  others: ReadonlyArray<TableMeta>,
  order: Order
): ReadonlyArray<TableMeta> => {
  const result: Array<TableMeta> = []
  let at = 0
  for (const table of [...others].sort(order)) {
    let from = at
    let to = sorted.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if (order(sorted[middle]!, table) <= 0) from = middle + 1
      else to = middle
    }
    while (at < from) result.push(sorted[at++]!)
    result.push(table)
  }
  while (at < sorted.length) result.push(sorted[at++]!)
  return result
}

/**
 * Returns the index of the first of the sorted, disjoint `tables`, from `from` on, whose smallest
 * key is above the key, or `tables.length` if there is none.
 */
const firstBehind = (tables: ReadonlyArray<TableMeta>, key: Uint8Array, from: number): number => {
  let to = tables.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (compare(tables[middle]!.smallestKey, key) <= 0) from = middle + 1
    else to = middle
  }
  return from
}

export interface TableChanges {
  readonly added: ReadonlyArray<{ readonly level: number; readonly table: TableMeta }>
  readonly removed: ReadonlyArray<{ readonly level: number; readonly fileNumber: number }>
  /** Files that the added tables are the first to have handles to. */
  readonly valueFiles?: ReadonlyArray<ValueFile> | undefined
}

/** The range of keys that a table may hold. Both ends are inclusive. */
export type KeyBounds = Pick<TableMeta, "smallestKey" | "largestKey">

/** Whether no table of these levels could hold the key. Each level must be sorted and disjoint. */
export const isAbsentFrom = (
  levels: ReadonlyArray<ReadonlyArray<KeyBounds>>,
  bytes: Uint8Array,
  start: number,
  end: number
): boolean => {
  const key = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
  for (const tables of levels) {
    if (tables.length === 0) continue
    const table = tables[findTable(tables, key, key.length)]
    if (table !== undefined && compareRange(table.smallestKey, 0, table.smallestKey.length, key, 0, key.length) <= 0) {
      return false
    }
  }
  return true
}

/**
 * Returns the reason why a version is invalid, or undefined if it is valid. Every level below level
 * 0 must be sorted and disjoint, and no file with values may be smaller than the values in use.
 */
export const versionFault = (version: Version): string | undefined => {
  const seen = new Set<number>()
  for (let level = 0; level < version.levels.length; level++) {
    let previous: TableMeta | undefined
    for (const table of version.levels[level]!) {
      if (seen.has(table.fileNumber)) return `table ${table.fileNumber} is listed twice`
      seen.add(table.fileNumber)
      if (compare(table.smallestKey, table.largestKey) > 0) return `table ${table.fileNumber} has reversed bounds`
      if (level > 0 && previous !== undefined && compare(previous.largestKey, table.smallestKey) >= 0) {
        return `tables ${previous.fileNumber} and ${table.fileNumber} of level ${level} overlap`
      }
      previous = table
    }
  }
  for (const { fileNumber, size, bytes } of version.valueFiles.values()) {
    if (seen.has(fileNumber)) return `file ${fileNumber} is listed as a table and as a file with values`
    if (bytes > size - fileHeaderSize) return `tables have handles to ${bytes} bytes of file ${fileNumber}, of ${size}`
  }
  return undefined
}
