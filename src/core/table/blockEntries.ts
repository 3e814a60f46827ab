import { compareRange, copyInto } from "../bytes/bytes.js"
import { hash, secondHash } from "../bytes/hash.js"
import type { LookupKey } from "../bytes/lookupKey.js"
import type { EntryCache } from "../cache/entryCache.js"
import { EntryKind } from "../cursor/entryKind.js"
import { LookupResult } from "../cursor/lookupResult.js"
import { CorruptionFailure, StorageFailure } from "../storage/failure.js"
import { BlockCursor } from "./blockCursor.js"
import { findTable } from "./levelCursor.js"
import type { TableMeta } from "./tableFormat.js"
import type { TableReader } from "./tableReader.js"

/** Larger blocks are not offered: that would hold up the event loop. */
const largestOffered = 16 * 1024

/** Offers the entries of blocks to the entry cache. One can be reused for many blocks. */
export class BlockEntries {
  private readonly cursor = new BlockCursor(malformed)
  private readonly found = new LookupResult()
  /** The block, copied: to ask the index may evict it. */
  private readonly bytes = new Uint8Array(largestOffered)
  private readonly key: Mutable<LookupKey> = { bytes: none, length: 0, hash1: 0, hash2: 0 }

  constructor(private readonly entries: EntryCache) {
    this.found.kind = EntryKind.value
  }

  /**
   * Offers each entry of a cached block that is the newest version of its key in all tables, a
   * value, and not after `sequence`. There must be no range deletions. Does nothing if a shallower
   * level may hold newer versions, or if the block is large. Returns whether the entries were offered.
   */
  offer(
    reader: TableReader,
    block: number,
    level: number,
    levels: ReadonlyArray<ReadonlyArray<TableMeta>>,
    sequence: number
  ): boolean {
    const { cache } = reader
    if (!cache.find(reader, block)) return false
    const length = cache.end - cache.start
    if (length > largestOffered) return false
    copyInto(cache.bytes, cache.start, cache.end, this.bytes, 0)
    try {
      this.cursor.open(this.bytes, 0, length)
      if (!this.isNewest(levels, level)) return false
      this.offerEach(reader, block, level, sequence)
      return true
    } catch (failure) {
      // The lookup that read the block has its result. One that needs the rest will report it.
      if (failure === malformedBlock || failure instanceof CorruptionFailure) return false
      if (failure instanceof StorageFailure) return false
      throw failure
    }
  }

  /** Whether no table above `level` overlaps the block. */
  private isNewest(levels: ReadonlyArray<ReadonlyArray<TableMeta>>, level: number): boolean {
    const { cursor } = this
    const isBehind = ({ smallestKey }: TableMeta): boolean => {
      cursor.seekToLast()
      return compareRange(smallestKey, 0, smallestKey.length, cursor.keyBytes, 0, cursor.keyEnd) > 0
    }
    const isBefore = ({ largestKey }: TableMeta): boolean => {
      cursor.seekToFirst()
      return compareRange(largestKey, 0, largestKey.length, cursor.keyBytes, 0, cursor.keyEnd) < 0
    }
    if (!levels[0]!.every((table) => isBehind(table) || isBefore(table))) return false
    for (let above = 1; above < level; above++) {
      cursor.seekToFirst()
      const next = levels[above]![findTable(levels[above]!, cursor.keyBytes, cursor.keyEnd)]
      if (next !== undefined && !isBehind(next)) return false
    }
    return true
  }

  private offerEach(reader: TableReader, block: number, level: number, sequence: number): void {
    const { cursor, entries, found, key } = this
    cursor.seekToFirst()
    // Versions of the last key of a block may continue in the next one.
    let isOlder = block > 0 && reader.index.separatorIs(block - 1, cursor.keyBytes, cursor.keyEnd)
    key.bytes = cursor.keyBytes
    this.hashKey()
    while (cursor.valid) {
      if (!isOlder && cursor.kind === EntryKind.value && cursor.sequence <= sequence && !entries.holds(key)) {
        found.sequence = cursor.sequence
        found.bytes = cursor.valueBytes
        found.start = cursor.valueStart
        found.end = cursor.valueEnd
        entries.offer(key, found, level)
      }
      const { length, hash1, hash2 } = key
      cursor.next()
      key.bytes = cursor.keyBytes
      this.hashKey()
      // A collision of both hashes would only leave an entry out.
      isOlder = key.length === length && key.hash1 === hash1 && key.hash2 === hash2
    }
  }

  private hashKey(): void {
    const { cursor, key } = this
    key.length = cursor.keyEnd
    key.hash1 = hash(key.bytes, 0, key.length)
    key.hash2 = secondHash
  }
}

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

const none = new Uint8Array(0)
const malformedBlock = new Error("malformed block")
const malformed = (): never => {
  throw malformedBlock
}
