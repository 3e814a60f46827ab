import { compare, compareRange } from "./bytes.js"
import { findTable } from "./levelCursor.js"
import type { TableMeta } from "./tableFormat.js"

export const levelCount = 7

/**
 * An immutable picture of which tables stand at which level. Level 0 is ordered from the newest table to the
 * oldest, and its tables may overlap; the tables of a deeper level are disjoint and ordered by key.
 */
export class Version {
  readonly entryCount: number
  /** Bytes of all tables. */
  readonly byteCount: number

  constructor(readonly levels: ReadonlyArray<ReadonlyArray<TableMeta>>) {
    const tables = levels.flat()
    this.entryCount = tables.reduce((sum, { entries }) => sum + entries, 0)
    this.byteCount = tables.reduce((sum, { size }) => sum + size, 0)
  }

  static readonly empty = new Version(Array.from({ length: levelCount }, () => []))

  levelBytes(level: number): number {
    let bytes = 0
    for (const table of this.levels[level]!) bytes += table.size
    return bytes
  }

  get tableCount(): number {
    return this.levels.reduce((n, tables) => n + tables.length, 0)
  }

  get deepestLevel(): number {
    for (let level = this.levels.length - 1; level > 0; level--) if (this.levels[level]!.length > 0) return level
    return 0
  }

  /** The tables of a level that meet the closed range [smallest, largest]. */
  overlapping(level: number, smallest: Uint8Array, largest: Uint8Array): ReadonlyArray<TableMeta> {
    return this.levels[level]!.filter(
      (table) => compare(table.largestKey, smallest) >= 0 && compare(table.smallestKey, largest) <= 0
    )
  }

  /** This version with tables removed and added. */
  apply(edit: TableChanges): Version {
    if (edit.added.length + edit.removed.length === 0) return this
    const removed = new Set(edit.removed.map(({ fileNumber }) => fileNumber))
    const levels = this.levels.map((tables, level) => {
      const kept = removed.size === 0 ? tables : tables.filter(({ fileNumber }) => !removed.has(fileNumber))
      const added = edit.added.filter((change) => change.level === level).map(({ table }) => table)
      if (added.length === 0) return kept
      return [...kept, ...added].sort(
        level === 0
          ? (a, b) => b.largestSequence - a.largestSequence || b.fileNumber - a.fileNumber
          : (a, b) => compare(a.smallestKey, b.smallestKey)
      )
    })
    return new Version(levels)
  }
}

export interface TableChanges {
  readonly added: ReadonlyArray<{ readonly level: number; readonly table: TableMeta }>
  readonly removed: ReadonlyArray<{ readonly level: number; readonly fileNumber: number }>
}

/** The keys that a table may hold, both ends included. */
export type KeyBounds = Pick<TableMeta, "smallestKey" | "largestKey">

/** Whether none of these levels, each of them sorted and disjoint, has a table that could hold the key. */
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

/** What is wrong with a version, or undefined: every deeper level must be sorted and disjoint. */
export const versionFault = (version: Version): string | undefined => {
  const seen = new Set<number>()
  for (let level = 0; level < version.levels.length; level++) {
    let previous: TableMeta | undefined
    for (const table of version.levels[level]!) {
      if (seen.has(table.fileNumber)) return `table ${table.fileNumber} stands twice`
      seen.add(table.fileNumber)
      if (compare(table.smallestKey, table.largestKey) > 0) return `table ${table.fileNumber} ends before it begins`
      if (level > 0 && previous !== undefined && compare(previous.largestKey, table.smallestKey) >= 0) {
        return `tables ${previous.fileNumber} and ${table.fileNumber} of level ${level} overlap`
      }
      previous = table
    }
  }
  return undefined
}
