import { equalRange } from "../bytes/bytes.js"
import { varintLength, writeVarint } from "../bytes/encoding.js"
import { hash, secondHash } from "../bytes/hash.js"
import { EntryKind, isTombstone } from "../cursor/entryKind.js"
import { expires, readExpiry } from "../cursor/expiry.js"
import { type RangeDeletion, rangeDeletionOf } from "../ranges/rangeDeletion.js"
import { encodeFileHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import type { StorageFile } from "../storage/storageDriver.js"
import type { ValueRef } from "../values/valueFile.js"
import { BlockBuilder } from "./blockBuilder.js"
import { type Codec, compress } from "./compression.js"
import { PartitionBuilder } from "./partitionBuilder.js"
import {
  encodeFooter,
  encodeProperties,
  footerSize,
  type Handle,
  sealSection,
  sectionTrailerSize,
  type TableMeta,
  tableVersion
} from "./tableFormat.js"

export interface TableOptions {
  /**
   * A data block is finished before it would exceed this many bytes. A block that holds a single
   * key may be larger.
   */
  readonly blockSize: number
  /**
   * A block that holds a single key is finished between two versions before it would exceed this
   * many bytes. Default 64 MiB.
   */
  readonly largestBlock?: number | undefined
  /** Entries in a group of a block, which share key prefixes. */
  readonly restartInterval: number
  /** Desired false positive rate of the filter. The table has no filter if it is 1 or more. */
  readonly filterFalsePositiveRate: number
  /** How data blocks and the index are compressed. Default `"none"`. */
  readonly compression?: Codec | undefined
  /** Whether entries may be range deletions or expire. Default false. */
  readonly allKinds?: boolean | undefined
}

/** Output is written in pieces of this size. Much larger writes are slower. */
const writeSize = 64 * 1024
/**
 * Blocks are read whole, so a block must fit in memory, no matter how many versions of a key
 * snapshots retain.
 */
const defaultLargestBlock = 64 * 1024 * 1024
/** Partitions written between two yields. */
const partitionSlice = 64

/** Writes one table file from sorted entries. */
export class TableBuilder {
  private readonly data: BlockBuilder
  private readonly index = new BlockBuilder(16)
  private readonly salt: number
  private output = new Uint8Array(4096)
  private outputLength = 0
  private written = 0
  private pending: Handle | undefined
  private pendingLast: Uint8Array = new Uint8Array(0)
  private blocks = 0
  private readonly partition: PartitionBuilder
  /** The finished partitions. They are written behind the data blocks. */
  private readonly partitions: Array<{ readonly content: Uint8Array; readonly separator: Uint8Array }> = []
  private smallestKey: Uint8Array | undefined
  private smallestSequence = Number.MAX_SAFE_INTEGER
  private largestSequence = 0
  private deletions = 0
  private readonly ranges: Array<RangeDeletion> = []
  private expiringEntries = 0
  private latestExpiry = 0
  private readonly version: number
  private rawBytes = 0
  private supersededEntries = 0
  private supersededBytes = 0
  entries = 0

  constructor(
    readonly file: StorageFile,
    readonly fileNumber: number,
    storeId: Uint8Array,
    private readonly options: TableOptions
  ) {
    this.data = new BlockBuilder(options.restartInterval)
    this.partition = new PartitionBuilder(options.filterFalsePositiveRate)
    this.salt = saltOf(storeId)
    this.version = tableVersion(options.compression, options.allKinds === true)
    this.write(encodeFileHeader({ kind: "table", fileNumber, storeId }, this.version), fileHeaderSize)
  }

  /** Size in bytes of the finished part of the file, including what is not yet written. */
  get size(): number {
    return this.written + this.outputLength
  }

  /** Whether this key equals the last key added. */
  isLastKey(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.data.isEmpty) return this.data.isLastKey(bytes, start, end)
    return this.pending !== undefined && equalRange(this.pendingLast, 0, this.pendingLast.length, bytes, start, end)
  }

  /** Adds an entry. Keys must ascend, and versions of one key must descend. */
  add(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
    kind: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number
  ): void {
    const { data } = this
    const isNewKey = data.isEmpty || !data.isLastKey(keyBytes, keyStart, keyEnd)
    const { blockSize, largestBlock = defaultLargestBlock } = this.options
    const limit = isNewKey ? blockSize : Math.max(blockSize, largestBlock)
    const grown = data.sizeWith(1, keyEnd - keyStart + valueEnd - valueStart)
    if (grown > limit && !data.isEmpty) this.finishBlock()
    if (this.pending !== undefined) {
      this.addToIndex(separator(this.pendingLast, keyBytes, keyStart, keyEnd))
    }
    this.smallestKey ??= keyBytes.slice(keyStart, keyEnd)
    const hash1 = hash(keyBytes, keyStart, keyEnd)
    const hash2 = secondHash
    if (isNewKey) this.partition.addKey(hash1, hash2)
    data.add(keyBytes, keyStart, keyEnd, sequence, kind, valueBytes, valueStart, valueEnd, hash2)
    this.entries++
    if (isTombstone(kind)) {
      this.deletions++
      if (kind === EntryKind.rangeDeletion) {
        this.ranges.push(rangeDeletionOf(sequence, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd))
      }
    }
    if (expires(kind)) {
      this.expiringEntries++
      this.latestExpiry = Math.max(this.latestExpiry, readExpiry(valueBytes, valueStart))
    }
    const bytes = keyEnd - keyStart + valueEnd - valueStart
    this.rawBytes += bytes
    if (!isNewKey && kind !== EntryKind.rangeDeletion) {
      this.supersededEntries++
      this.supersededBytes += bytes
    }
    if (sequence < this.smallestSequence) this.smallestSequence = sequence
    if (sequence > this.largestSequence) this.largestSequence = sequence
  }

  /**
   * Writes the rest of the file, and yields between slices. The file is then complete but not
   * synced. At least one entry must have been added. `valueRefs` are the values that its entries
   * have handles to; `cleared` is that of `TableMeta`.
   */
  *finish(valueRefs: ReadonlyArray<ValueRef> = [], cleared = 0): Generator<void, TableMeta> {
    const largestKey = this.data.isEmpty ? this.pendingLast : this.data.copyLastKey()
    if (!this.data.isEmpty) this.finishBlock()
    if (this.pending !== undefined) this.addToIndex(this.pendingLast)
    if (!this.partition.isEmpty) this.finishPartition(this.pendingLast)
    const filter = yield* this.writePartitions()
    const indexContent = this.index.finish(sectionTrailerSize)
    const index = this.writeCompressed(indexContent.bytes, indexContent.length)
    const unsized: TableMeta = {
      fileNumber: this.fileNumber,
      size: 0,
      smallestKey: this.smallestKey ?? new Uint8Array(0),
      largestKey,
      smallestSequence: this.smallestSequence,
      largestSequence: this.largestSequence,
      entries: this.entries,
      deletions: this.deletions,
      rawBytes: this.rawBytes,
      superseded: { entries: this.supersededEntries, bytes: this.supersededBytes },
      ...(valueRefs.length > 0 && { valueRefs }),
      ...(this.ranges.length > 0 && { ranges: this.ranges }),
      ...(cleared > 0 && { cleared }),
      ...(this.expiringEntries > 0 && { expiring: { entries: this.expiringEntries, latest: this.latestExpiry } })
    }
    const propertiesSize = encodeProperties(unsized, this.version).length
    const size = this.written + this.outputLength + propertiesSize + sectionTrailerSize + footerSize
    const meta = { ...unsized, size }
    const content = new Uint8Array(propertiesSize + sectionTrailerSize)
    content.set(encodeProperties(meta, this.version))
    const properties = this.writeSection(content, propertiesSize)
    const footer = encodeFooter(
      { filter, index, properties, blocks: this.blocks },
      this.salt,
      this.fileNumber,
      this.written + this.outputLength
    )
    this.write(footer, footerSize)
    this.flushOutput()
    return meta
  }

  /** Writes the partitions, and returns the place of all of them together. */
  private *writePartitions(): Generator<void, Handle> {
    const { partitions, index } = this
    const start = this.written + this.outputLength
    for (const [i, { content, separator }] of partitions.entries()) {
      const { offset, length } = this.writeSection(content, content.length - sectionTrailerSize)
      const value = new Uint8Array(varintLength(offset) + varintLength(length))
      writeVarint(value, writeVarint(value, 0, offset), length)
      index.add(separator, 0, separator.length, 0, 0, value, 0, value.length, 0)
      if (i % partitionSlice === partitionSlice - 1) yield
    }
    return { offset: start, length: this.written + this.outputLength - start }
  }

  private finishBlock(): void {
    this.pendingLast = this.data.copyLastKey()
    const { bytes, length } = this.data.finish(sectionTrailerSize)
    this.pending = this.writeCompressed(bytes, length)
    this.data.reset()
  }

  private addToIndex(separator: Uint8Array): void {
    const { partition } = this
    const { offset, length } = this.pending!
    partition.addBlock(separator, offset, offset + length + sectionTrailerSize)
    this.blocks++
    this.pending = undefined
    if (partition.isFull) this.finishPartition(separator)
  }

  private finishPartition(separator: Uint8Array): void {
    this.partitions.push({ content: this.partition.finish(sectionTrailerSize), separator })
  }

  private writeCompressed(bytes: Uint8Array, length: number): Handle {
    const { compression = "none" } = this.options
    const compressed = compression === "none" ? undefined : compress(compression, bytes, length, sectionTrailerSize)
    if (compressed === undefined) return this.writeSection(bytes, length)
    return this.writeSection(compressed, compressed.length - sectionTrailerSize, compression)
  }

  /**
   * Seals `bytes[0, length)` as a section and writes it. `bytes` must have room for the trailer
   * after `length`.
   */
  private writeSection(bytes: Uint8Array, length: number, codec: Codec = "none"): Handle {
    const offset = this.written + this.outputLength
    sealSection(bytes, length, codec, this.salt, this.fileNumber, offset)
    this.write(bytes, length + sectionTrailerSize)
    return { offset, length }
  }

  private write(bytes: Uint8Array, length: number): void {
    if (length > writeSize) {
      this.flushOutput()
      this.file.append(bytes, 0, length)
      this.written += length
      return
    }
    const needed = this.outputLength + length
    if (needed > this.output.length) {
      const larger = new Uint8Array(Math.max(needed, this.output.length * 2))
      larger.set(this.output.subarray(0, this.outputLength))
      this.output = larger
    }
    this.output.set(new Uint8Array(bytes.buffer, bytes.byteOffset, length), this.outputLength)
    this.outputLength = needed
    if (this.outputLength >= writeSize) this.flushOutput()
  }

  private flushOutput(): void {
    if (this.outputLength === 0) return
    this.file.append(this.output, 0, this.outputLength)
    this.written += this.outputLength
    this.outputLength = 0
  }
}

/** Returns a short key at or above `last` and below `next[start, end)`. */
export const separator = (last: Uint8Array, next: Uint8Array, start: number, end: number): Uint8Array => {
  const limit = Math.min(last.length, end - start)
  let i = 0
  while (i < limit && last[i] === next[start + i]) i++
  if (i >= limit) return last
  const byte = last[i]! + 1
  if (byte >= next[start + i]!) return last
  const key = last.slice(0, i + 1)
  key[i] = byte
  return key
}
