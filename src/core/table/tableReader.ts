import type { LookupKey } from "../bytes/lookupKey.js"
import type { BlockCache } from "../cache/blockCache.js"
import { absent, type BlockOwner } from "../cache/cacheSlots.js"
import type { LookupResult } from "../cursor/lookupResult.js"
import { CorruptionFailure } from "../storage/failure.js"
import { decodeFileHeader, expectHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import { readExactly, readInto, type StorageFile } from "../storage/storageDriver.js"
import { BlockLookup, findInBlock } from "./blockLookup.js"
import { TableFilter } from "./filter.js"
import {
  decodeFooter,
  decodeProperties,
  footerSize,
  type Handle,
  sectionContent,
  sectionTrailerSize,
  type TableMeta
} from "./tableFormat.js"
import { TableIndex } from "./tableIndex.js"

/** Counts the table reads of one store. */
export class ReadCounters {
  filterChecks = 0
  filterNegatives = 0
  filterFalsePositives = 0
  blockReads = 0
  blockBytes = 0
}

/**
 * After this many lookups in a row that checked the filter and found their key, lookups skip the
 * filter until one of them does not find its key.
 */
const patience = 256

/**
 * The buffer for a block that a lookup misses in the cache. The block is copied from here into the
 * cache, and searched here. Reusing one buffer is faster than allocating for each block, and leaves
 * no garbage.
 */
const missed = new Uint8Array(64 * 1024)

/**
 * An open table. Its properties and index are in memory. The filter is read when a lookup first
 * needs it, and data blocks are read on demand.
 */
export class TableReader implements BlockOwner {
  readonly slots: Int32Array
  readonly index: TableIndex
  readonly properties: TableMeta
  private readonly salt: number
  private readonly filterHandle: Handle
  private readonly hasFilter: boolean
  private filter: TableFilter | undefined
  /**
   * Starts at `patience`, so that the first lookup skips the filter: reading the filter takes
   * longer than reading a block.
   */
  private foundInARow = patience

  /**
   * Reads and checks everything except the filter and the data blocks.
   *
   * @throws CorruptionFailure, FormatFailure, StorageFailure
   */
  constructor(
    readonly file: StorageFile,
    readonly fileNumber: number,
    storeId: Uint8Array,
    readonly cache: BlockCache,
    private readonly counters: ReadCounters
  ) {
    this.salt = saltOf(storeId)
    const size = file.size()
    expectHeader(
      decodeFileHeader(readExactly(file, 0, fileHeaderSize), "table", file.path),
      fileNumber,
      storeId,
      file.path
    )
    const footerStart = size - footerSize
    if (footerStart < fileHeaderSize) this.fail(0, "table footer", "the file is too short")
    const footer = decodeFooter(readExactly(file, footerStart, footerSize), this.salt, fileNumber, footerStart)
    if (typeof footer === "string") throw new CorruptionFailure(file.path, footerStart, "table footer", footer)
    const properties = this.readSection(footer.properties, "table properties")
    this.properties =
      decodeProperties(properties) ?? this.fail(footer.properties.offset, "table properties", "malformed")
    if (this.properties.size !== size)
      this.fail(footerStart, "table footer", `${size} bytes, not ${this.properties.size}`)
    this.index = new TableIndex(this.readSection(footer.index, "index block"), footerStart, () =>
      this.fail(footer.index.offset, "index block", "malformed")
    )
    this.filterHandle = footer.filter
    this.hasFilter = footer.filter.length > 0
    this.slots = new Int32Array(this.index.count).fill(absent)
  }

  /** Bytes of memory held, without cached blocks. */
  get memory(): number {
    return this.index.memory + this.slots.length * 4 + (this.filter?.byteLength ?? 0)
  }

  /**
   * Looks for the newest version of `key` at or before `sequence`. Returns true and fills `found`
   * if there is one.
   *
   * Lookups skip a filter that has rejected nothing for `patience` lookups. Each then costs less.
   * The price is at most one needless block read in `patience` lookups.
   */
  find(key: LookupKey, sequence: number, found: LookupResult): boolean {
    const { counters } = this
    const isAsked = this.foundInARow < patience && this.hasFilter
    if (isAsked) {
      const filter = this.filter ?? this.readFilter()
      counters.filterChecks++
      if (!filter.has(key)) {
        counters.filterNegatives++
        this.foundInARow = 0
        return false
      }
    }
    const { index } = this
    for (let block = index.find(key.bytes, key.length); block < index.count; block++) {
      const result = this.findIn(block, key, sequence, found)
      if (result === BlockLookup.found) {
        if (isAsked) this.foundInARow++
        else if (this.filter === undefined) this.foundInARow = 0
        return true
      }
      if (result === BlockLookup.malformed) this.failBlock(block)
      if (result !== BlockLookup.newer || !index.separatorIs(block, key.bytes, key.length)) break
    }
    this.foundInARow = 0
    if (isAsked) counters.filterFalsePositives++
    return false
  }

  private readFilter(): TableFilter {
    const { offset } = this.filterHandle
    this.filter =
      TableFilter.decode(this.readSection(this.filterHandle, "filter")) ?? this.fail(offset, "filter", "malformed")
    return this.filter
  }

  /** Searches a data block, in place if the cache has it. */
  private findIn(index: number, key: LookupKey, sequence: number, found: LookupResult): number {
    const { cache } = this
    if (cache.get(this, index)) return findInBlock(cache.bytes, cache.start, cache.end, key, sequence, found)
    const block = this.readMissed(index)
    cache.put(this, index, block)
    return findInBlock(block, 0, block.length, key, sequence, found)
  }

  /** Reads a data block. The result is valid until the next call. */
  private readMissed(index: number): Uint8Array {
    const offset = this.index.offsetOf(index)
    const length = this.index.lengthOf(index)
    const whole = length + sectionTrailerSize
    if (whole > missed.length) return this.readBlock(index)
    const read = readInto(this.file, offset, whole, missed)
    this.counters.blockReads++
    this.counters.blockBytes += read
    const bytes = read === whole ? missed : missed.subarray(0, read)
    return this.checkSection(bytes, 0, offset, length, "data block")
  }

  /** Reads a data block that is not in the cache, and adds a copy to the cache. */
  fillBlock(index: number): Uint8Array {
    const block = this.readBlock(index)
    this.cache.put(this, index, block)
    return block
  }

  readBlock(index: number): Uint8Array {
    return this.readSection({ offset: this.index.offsetOf(index), length: this.index.lengthOf(index) }, "data block")
  }

  /**
   * Reads the blocks from `index` on that fit in `budget` bytes, but at least one, with one read
   * call.
   */
  readBlocks(index: number, budget: number): Array<Uint8Array> {
    const table = this.index
    const start = table.offsetOf(index)
    let end = start + table.lengthOf(index) + sectionTrailerSize
    let last = index + 1
    while (last < table.count && table.offsetOf(last) === end && end + table.lengthOf(last) - start <= budget) {
      end += table.lengthOf(last) + sectionTrailerSize
      last++
    }
    const bytes = readExactly(this.file, start, end - start)
    this.counters.blockReads++
    this.counters.blockBytes += bytes.length
    const blocks: Array<Uint8Array> = []
    for (let i = index; i < last; i++) {
      const offset = table.offsetOf(i)
      blocks.push(this.checkSection(bytes, offset - start, offset, table.lengthOf(i), "data block"))
    }
    return blocks
  }

  failBlock(index: number): never {
    return this.fail(this.index.offsetOf(index), "data block", "malformed")
  }

  fail(offset: number, region: string, reason: string): never {
    throw new CorruptionFailure(this.file.path, offset, region, reason)
  }

  private readSection({ offset, length }: Handle, region: string): Uint8Array {
    const bytes = readExactly(this.file, offset, length + sectionTrailerSize)
    this.counters.blockReads++
    this.counters.blockBytes += bytes.length
    return this.checkSection(bytes, 0, offset, length, region)
  }

  private checkSection(bytes: Uint8Array, start: number, offset: number, length: number, region: string): Uint8Array {
    const content = sectionContent(bytes, start, length, this.salt, this.fileNumber, offset)
    return typeof content === "string" ? this.fail(offset, region, content) : content
  }
}
