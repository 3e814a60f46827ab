import type { LookupKey } from "../bytes/lookupKey.js"
import type { BlockCache } from "../cache/blockCache.js"
import { absent, type BlockOwner } from "../cache/cacheSlots.js"
import type { LookupResult } from "../cursor/lookupResult.js"
import { CorruptionFailure } from "../storage/failure.js"
import { expectHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import { readExactly, readInto, type StorageFile } from "../storage/storageDriver.js"
import type { BlockIndex } from "./blockIndex.js"
import { BlockLookup, findInBlock } from "./blockLookup.js"
import { BlockPrefetch, extentBlocks, firstOfExtent } from "./blockPrefetch.js"
import { BlockRun, type RunSource } from "./blockRun.js"
import { decompress, decompressBriefly } from "./compression.js"
import { TableFilter } from "./filter.js"
import { FilteredIndex } from "./filteredIndex.js"
import { partitionBlocks } from "./partition.js"
import { PartitionedIndex } from "./partitionedIndex.js"
import {
  decodeFooter,
  decodeProperties,
  decodeTableHeader,
  type Footer,
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
 * The buffer for a block that a lookup misses in the cache. The block is copied from here into the
 * cache, and searched here. Reusing one buffer is faster than allocating for each block, and leaves
 * no garbage.
 */
const missed = new Uint8Array(64 * 1024)

/**
 * An open table. Its properties and the top of its index are in memory. Data blocks, and the other
 * parts of the index, are read on demand.
 */
export class TableReader implements BlockOwner, RunSource {
  readonly slots: Int32Array
  readonly index: BlockIndex
  readonly properties: TableMeta
  readonly salt: number
  private readonly prefetch: BlockPrefetch
  /** The blocks that the last lookup read from the file, from the first up to the end. */
  firstRead = 0
  endRead = 0

  /**
   * Reads and checks everything except filters, partitions and data blocks.
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
    const header = decodeTableHeader(readExactly(file, 0, fileHeaderSize), file.path)
    expectHeader(header, fileNumber, storeId, file.path)
    const footerStart = size - footerSize
    if (footerStart < fileHeaderSize) this.fail(0, "table footer", "the file is too short")
    const footer = decodeFooter(readExactly(file, footerStart, footerSize), this.salt, fileNumber, footerStart)
    if (typeof footer === "string") throw new CorruptionFailure(file.path, footerStart, "table footer", footer)
    const properties = this.readSection(footer.properties, "table properties")
    this.properties =
      decodeProperties(properties) ?? this.fail(footer.properties.offset, "table properties", "malformed")
    if (this.properties.size !== size)
      this.fail(footerStart, "table footer", `${size} bytes, not ${this.properties.size}`)
    const index = new TableIndex(this.readSection(footer.index, "index block"), footerStart, () =>
      this.fail(footer.index.offset, "index block", "malformed")
    )
    this.index = header.version === 1 ? this.filteredIndex(footer, index) : this.partitionedIndex(footer, index)
    this.slots = new Int32Array(this.index.count).fill(absent)
    this.prefetch = new BlockPrefetch(this)
  }

  private filteredIndex({ filter }: Footer, index: TableIndex): BlockIndex {
    return new FilteredIndex(
      index,
      filter.length > 0,
      () => TableFilter.decode(this.readSection(filter, "filter")) ?? this.fail(filter.offset, "filter", "malformed")
    )
  }

  private partitionedIndex({ filter, index, blocks }: Footer, top: TableIndex): BlockIndex {
    if (Math.ceil(blocks / partitionBlocks) !== top.count) this.fail(index.offset, "index block", "malformed")
    return new PartitionedIndex(
      top,
      blocks,
      filter.offset,
      this.cache,
      (handle) => this.readSection(handle, "index partition"),
      ({ offset }) => this.fail(offset, "index partition", "malformed")
    )
  }

  /** Bytes of memory held, without cached blocks. */
  get memory(): number {
    return this.index.memory + this.slots.length * 4 + this.prefetch.memory
  }

  /**
   * Drops the blocks that the last lookup read: what they hold is cached in another way. They are
   * not read again with their neighbours.
   */
  dropRead(): void {
    for (let block = this.firstRead; block < this.endRead; block++) this.cache.drop(this, block)
    if (this.endRead > this.firstRead + 1) this.prefetch.retire(this.firstRead)
  }

  /** Drops what the cache holds of the table. */
  release(): void {
    this.cache.forget(this)
    this.index.release()
  }

  /**
   * Looks for the newest version of `key` at or before `sequence`. Returns true and fills `found`
   * if there is one.
   */
  find(key: LookupKey, sequence: number, found: LookupResult): boolean {
    const { counters, index } = this
    this.endRead = this.firstRead
    let block = index.locate(key)
    const { hasChecked } = index
    if (hasChecked) counters.filterChecks++
    if (block < 0) {
      counters.filterNegatives++
      return false
    }
    let isLocated = true
    for (; block < index.count; block++) {
      const result = this.findIn(block, isLocated, key, sequence, found)
      isLocated = false
      if (result === BlockLookup.found) {
        index.located(true)
        return true
      }
      if (result === BlockLookup.malformed) this.failBlock(block)
      if (result !== BlockLookup.newer || !index.separatorIs(block, key.bytes, key.length)) break
    }
    index.located(false)
    if (hasChecked) counters.filterFalsePositives++
    return false
  }

  /** Searches a data block, in place if the cache has it. */
  private findIn(index: number, isLocated: boolean, key: LookupKey, sequence: number, found: LookupResult): number {
    const { cache } = this
    if (cache.get(this, index)) return findInBlock(cache.bytes, cache.start, cache.end, key, sequence, found)
    if (this.prefetch.isDue(index)) {
      const read = this.prefetch.read(index)
      this.counters.blockReads++
      this.counters.blockBytes += read
      if (cache.find(this, index)) {
        this.firstRead = firstOfExtent(index)
        this.endRead = Math.min(this.firstRead + extentBlocks, this.index.count)
        cache.countMiss()
        return findInBlock(cache.bytes, cache.start, cache.end, key, sequence, found)
      }
      this.index.place(index)
    } else if (isLocated) this.index.placeLocated(index)
    else this.index.place(index)
    const block = this.readMissed(index)
    cache.put(this, index, block)
    this.firstRead = index
    this.endRead = index + 1
    return findInBlock(block, 0, block.length, key, sequence, found)
  }

  /** Reads the data block that was placed. The result is valid until the next call. */
  private readMissed(index: number): Uint8Array {
    const { offset, length } = this.index
    const whole = length + sectionTrailerSize
    if (whole > missed.length) return this.readBlock(index)
    const read = readInto(this.file, offset, whole, missed)
    this.counters.blockReads++
    this.counters.blockBytes += read
    const bytes = read === whole ? missed : missed.subarray(0, read)
    return this.checkSection(bytes, 0, offset, length, "data block", decompressBriefly)
  }

  private readBlock(index: number): Uint8Array {
    this.index.place(index)
    return this.readSection(this.index, "data block")
  }

  /**
   * Reads the blocks from `first` on that fit in `budget` bytes, but at least one, with one read
   * call.
   */
  readRun(first: number, budget: number): BlockRun {
    const { index } = this
    const handles = [this.handleOf(first)]
    const start = handles[0]!.offset
    for (let block = first + 1; block < index.count; block++) {
      const handle = this.handleOf(block)
      const { offset, length } = handles[handles.length - 1]!
      if (handle.offset !== offset + length + sectionTrailerSize) break
      if (handle.offset + handle.length - start > budget) break
      handles.push(handle)
    }
    return this.readHandles(first, handles)
  }

  /** The same for the blocks up to `last`. */
  readRunUpTo(last: number, budget: number): BlockRun {
    const handles = [this.handleOf(last)]
    const end = handles[0]!.offset + handles[0]!.length
    let first = last
    for (; first > 0; first--) {
      const handle = this.handleOf(first - 1)
      if (handle.offset + handle.length + sectionTrailerSize !== handles[0]!.offset) break
      if (end - handle.offset > budget) break
      handles.unshift(handle)
    }
    return this.readHandles(first, handles)
  }

  private handleOf(block: number): Handle {
    this.index.place(block)
    const { offset, length } = this.index
    return { offset, length }
  }

  private readHandles(first: number, handles: ReadonlyArray<Handle>): BlockRun {
    const { offset: start } = handles[0]!
    const { offset, length } = handles[handles.length - 1]!
    const bytes = readExactly(this.file, start, offset + length + sectionTrailerSize - start)
    this.counters.blockReads++
    this.counters.blockBytes += bytes.length
    return new BlockRun(this, first, handles, bytes)
  }

  failBlock(index: number): never {
    this.index.place(index)
    return this.fail(this.index.offset, "data block", "malformed")
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

  private checkSection(
    bytes: Uint8Array,
    start: number,
    offset: number,
    length: number,
    region: string,
    expand = decompress
  ): Uint8Array {
    const content = sectionContent(bytes, start, length, this.salt, this.fileNumber, offset, expand)
    return typeof content === "string" ? this.fail(offset, region, content) : content
  }
}
