import { compareRange, copyRange } from "../bytes/bytes.js"
import type { LookupKey } from "../bytes/lookupKey.js"
import type { EntryCache, EntrySource } from "../cache/entryCache.js"
import { EntryKind, isTombstone } from "../cursor/entryKind.js"
import type { LookupResult } from "../cursor/lookupResult.js"
import { BlockEntries } from "./blockEntries.js"
import { findTable } from "./levelCursor.js"
import type { TableMeta } from "./tableFormat.js"
import type { TableReader } from "./tableReader.js"

/**
 * Tables by level. Level 0 is ordered from the newest table to the oldest. The tables of deeper
 * levels are disjoint and ordered by key.
 */
export interface TableLevels extends EntrySource {
  readonly levels: ReadonlyArray<ReadonlyArray<TableMeta>>
  /** Whether any table has range deletions. */
  readonly holdsRanges: boolean
}

/**
 * The entry cache allocates megabytes for its first entry. So it stays empty until this many keys
 * have been found in tables.
 */
const foundBeforeEntries = 8

/**
 * Finds keys in the tables of a version: first in the entry cache, then level by level.
 *
 * While the entry cache has room for all entries of the store, it takes those of a whole block when
 * the block is read.
 */
export class TableLookup {
  private untilEntries = foundBeforeEntries
  /** The level where the last lookup found a handle that the entry cache may replace, or -1. */
  private handleLevel = -1
  private readonly blocks: BlockEntries
  /** The table that the last lookup searched last. */
  private reader: TableReader | undefined
  /** The tables are about to get newer versions of keys, up to this sequence number; 0 if they are not. */
  private awaited = 0
  private source: TableLevels | undefined

  constructor(
    private readonly entries: EntryCache,
    private readonly readerOf: (fileNumber: number) => TableReader,
    /** Called at each lookup. */
    private readonly count: (source: TableLevels) => void,
    /** Whether the entry cache has room for all entries. */
    private readonly isForAll: () => boolean
  ) {
    this.blocks = new BlockEntries(entries)
  }

  /**
   * Looks for the newest version of a key at or before `sequence`. Returns the level of its table,
   * or -1 if there is none. For an entry from the entry cache, that is the level where it was when
   * the cache took it. `isNewest` means that no version of any key is newer than `sequence`.
   */
  find(source: TableLevels, key: LookupKey, sequence: number, isNewest: boolean, result: LookupResult): number {
    const { entries } = this
    this.count(source)
    this.handleLevel = -1
    this.reader = undefined
    const hasEntries = this.untilEntries === 0
    if (hasEntries && entries.find(source, key, sequence, result)) {
      result.kind = EntryKind.value
      return entries.level
    }
    const level = this.findInLevels(source.levels, key, sequence, result)
    if (level < 0 || isTombstone(result.kind)) return level
    if (!hasEntries) this.untilEntries--
    // A read at an older snapshot may not have found the key's newest version.
    else if (isNewest) {
      if (result.kind === EntryKind.value) {
        entries.offer(key, result, level)
        this.offerBlocks(source, level, sequence, result)
      } else if (result.kind === EntryKind.valueHandle) this.handleLevel = level
    }
    return level
  }

  /**
   * Tells that the tables are about to get newer versions of keys that leave the entry cache. Until
   * they have the last one, of `sequence`, only entries that were looked up may enter the cache: of
   * others, the newest version may be one of those.
   */
  awaitVersions(sequence: number): void {
    this.awaited = Math.max(this.awaited, sequence)
    this.source = undefined
  }

  private offerBlocks(source: TableLevels, level: number, sequence: number, result: LookupResult): void {
    const { reader } = this
    if (reader === undefined || reader.firstRead === reader.endRead) return
    if (!this.isForAll() || !this.entries.hasSpace || source.holdsRanges || !this.hasAwaited(source)) return
    this.keep(result)
    let isOffered = true
    for (let block = reader.firstRead; block < reader.endRead; block++) {
      isOffered = this.blocks.offer(reader, block, level, source.levels, sequence) && isOffered
    }
    // Their memory is of more use to entries.
    if (isOffered) reader.dropRead()
  }

  /** Copies what was found: changes of the cache may overwrite it. */
  private keep(result: LookupResult): void {
    result.bytes = copyRange(result.bytes, result.start, result.end)
    result.end -= result.start
    result.start = 0
  }

  private hasAwaited(source: TableLevels): boolean {
    if (this.awaited === 0) return true
    if (source === this.source) return false
    this.source = source
    const isThere = source.levels.some((tables) => tables.some((table) => table.largestSequence >= this.awaited))
    if (isThere) this.awaited = 0
    return isThere
  }

  /**
   * Offers the value of a handle to the entry cache. `result` is that of the last lookup, with the
   * value instead of the handle.
   */
  offerValue(key: LookupKey, result: LookupResult): void {
    if (this.handleLevel >= 0) this.entries.offer(key, result, this.handleLevel)
  }

  private findInLevels(levels: TableLevels["levels"], key: LookupKey, sequence: number, result: LookupResult): number {
    for (const table of levels[0]!) {
      const { largestKey } = table
      const isBelow = compareRange(key.bytes, 0, key.length, largestKey, 0, largestKey.length) <= 0
      if (isBelow && this.findIn(table, key, sequence, result)) return 0
    }
    for (let level = 1; level < levels.length; level++) {
      const tables = levels[level]!
      if (tables.length === 0) continue
      const table = tables[findTable(tables, key.bytes, key.length)]
      if (table !== undefined && this.findIn(table, key, sequence, result)) return level
    }
    return -1
  }

  private findIn(table: TableMeta, key: LookupKey, sequence: number, result: LookupResult): boolean {
    const { smallestKey } = table
    if (compareRange(key.bytes, 0, key.length, smallestKey, 0, smallestKey.length) < 0) return false
    this.reader = this.readerOf(table.fileNumber)
    return this.reader.find(key, sequence, result)
  }
}
