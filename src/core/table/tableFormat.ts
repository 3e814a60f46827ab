import { checksum, placeSeed } from "../bytes/checksum.js"
import {
  readU32,
  readU48,
  readVarint,
  varintEnd,
  varintLength,
  writeU32,
  writeU48,
  writeVarint
} from "../bytes/encoding.js"
import type { Expiring } from "../cursor/expiry.js"
import { encodeEnd, type RangeDeletion, rangeDeletionOf } from "../ranges/rangeDeletion.js"
import { FormatFailure } from "../storage/failure.js"
import { decodeFileHeader, type FileHeader } from "../storage/fileHeader.js"
import { referencedBytes, type ValueRef } from "../values/valueFile.js"
import { type Codec, codecByte, codecOf, decompress, hasZstd, zstdNeeds } from "./compression.js"

/**
 * A table file (SSTable) of version 2.
 *
 * ```
 * +-----------+------------+-----+-----------+-----+-------+------------+-----------+
 * | header 32 | data block | ... | partition | ... | index | properties | footer 48 |
 * +-----------+------------+-----+-----------+-----+-------+------------+-----------+
 *
 * each of data block, partition, index and properties:
 * +---------+---------------+-------+
 * | content | compression 1 | crc 4 |   the checksum covers content and compression, and its place
 * +---------+---------------+-------+
 *
 * footer:
 *  0               6            10              16         20                    26         30         34              40      44    48
 * +---------------+------------+---------------+----------+---------------------+----------+----------+---------------+-------+-----+
 * | partitions    | length 4   | index         | length 4 | properties offset 6 | length 4 | data     | file number 6 | magic | crc |
 * | offset 6      |            | offset 6      |          |                     |          | blocks 4 |               | 4     | 4   |
 * +---------------+------------+---------------+----------+---------------------+----------+----------+---------------+-------+-----+
 * ```
 *
 * Compression is 0 for none, 1 for deflate, 2 for zstd and 3 for LZ4. A table whose sections may be compressed by
 * zstd has version 3, and differs in nothing else. A table that may hold range deletions or entries that
 * expire has version 4, or 5 with zstd.
 *
 * A separator is at or above the last key of its data block, and below the first key of the next.
 * If the versions of one key continue in the next block, the separator is that key. A partition
 * (partition.ts) holds the separators of 128 data blocks, and a filter over their keys. The index
 * is one block. Its keys are the last separators of the partitions. Its values are the offset and
 * length of each partition, as varints.
 *
 * Version 1 has one filter over all keys instead of partitions, which the first handle of the
 * footer locates, or none. Its index holds the separators and the places of the data blocks, and
 * its footer does not count them.
 */
export const sectionTrailerSize = 5
export const footerSize = 48
const footerMagic = 0x9a4c5354

/**
 * Locates a section of a table file. `length` is that of the stored content, without the trailer.
 */
export interface Handle {
  readonly offset: number
  readonly length: number
}

/**
 * Decodes the header of a table.
 *
 * @throws CorruptionFailure, FormatFailure
 */
export const decodeTableHeader = (bytes: Uint8Array, file: string): FileHeader => {
  const header = decodeFileHeader(bytes, "table", file)
  if ((header.version === 3 || header.version === 5) && !hasZstd)
    throw new FormatFailure(file, header.version, zstdNeeds)
  return header
}

/** The version of a new table. */
export const tableVersion = (codec: Codec | undefined, allKinds: boolean): number =>
  (codec === "zstd" ? 3 : 2) + (allKinds ? 2 : 0)

/** Writes the trailer of a section whose stored content is `bytes[0, length)`. */
export const sealSection = (
  bytes: Uint8Array,
  length: number,
  codec: Codec,
  salt: number,
  fileNumber: number,
  offset: number
): void => {
  bytes[length] = codecByte[codec]
  writeU32(bytes, length + 1, checksum(bytes, 0, length + 1, placeSeed(salt, fileNumber, offset)))
}

/** Returns why the section stored in `bytes[start, start + length + trailer)` is damaged, or undefined. */
export const sectionFault = (
  bytes: Uint8Array,
  start: number,
  length: number,
  salt: number,
  fileNumber: number,
  offset: number
): string | undefined => {
  const end = start + length
  if (bytes.length < end + sectionTrailerSize) return "the file ends within it"
  const sum = checksum(bytes, start, end + 1, placeSeed(salt, fileNumber, offset))
  return readU32(bytes, end + 1) === sum ? undefined : "checksum mismatch"
}

/** The codec of a section, or undefined if this release does not know it. */
export const sectionCodec = (bytes: Uint8Array, start: number, length: number): Codec | undefined =>
  codecOf(bytes[start + length]!)

/** Returns the content of a compressed section, or the reason why it is damaged. */
export const uncompressed = (
  bytes: Uint8Array,
  start: number,
  length: number,
  expand = decompress
): Uint8Array | string => {
  const codec = sectionCodec(bytes, start, length)
  if (codec === undefined || codec === "none" || (codec === "zstd" && !hasZstd)) {
    return `unknown compression ${bytes[start + length]}`
  }
  return expand(codec, bytes.subarray(start, start + length)) ?? "does not decompress"
}

/**
 * Returns the content of the section stored in `bytes[start, start + length + trailer)`, or the
 * reason why it is damaged. With `decompressBriefly` it is valid until the next call.
 */
export const sectionContent = (
  bytes: Uint8Array,
  start: number,
  length: number,
  salt: number,
  fileNumber: number,
  offset: number,
  expand = decompress
): Uint8Array | string => {
  const fault = sectionFault(bytes, start, length, salt, fileNumber, offset)
  if (fault !== undefined) return fault
  return sectionCodec(bytes, start, length) === "none"
    ? bytes.subarray(start, start + length)
    : uncompressed(bytes, start, length, expand)
}

export interface Footer {
  /** All partitions, from the start of the first to the end of the last; in version 1 the filter. */
  readonly filter: Handle
  readonly index: Handle
  readonly properties: Handle
  /** Number of data blocks; 0 in version 1. */
  readonly blocks: number
}

export const encodeFooter = (footer: Footer, salt: number, fileNumber: number, offset: number): Uint8Array => {
  const bytes = new Uint8Array(footerSize)
  writeU48(bytes, 0, footer.filter.offset)
  writeU32(bytes, 6, footer.filter.length)
  writeU48(bytes, 10, footer.index.offset)
  writeU32(bytes, 16, footer.index.length)
  writeU48(bytes, 20, footer.properties.offset)
  writeU32(bytes, 26, footer.properties.length)
  writeU32(bytes, 30, footer.blocks)
  writeU48(bytes, 34, fileNumber)
  writeU32(bytes, 40, footerMagic)
  writeU32(bytes, 44, checksum(bytes, 0, 44, placeSeed(salt, fileNumber, offset)))
  return bytes
}

/** Returns the footer, or the reason why it is damaged. */
export const decodeFooter = (bytes: Uint8Array, salt: number, fileNumber: number, offset: number): Footer | string => {
  if (bytes.length !== footerSize) return "cut short"
  if (readU32(bytes, 44) !== checksum(bytes, 0, 44, placeSeed(salt, fileNumber, offset))) return "checksum mismatch"
  if (readU32(bytes, 40) !== footerMagic || readU48(bytes, 34) !== fileNumber) return "not this table's footer"
  const handle = (at: number): Handle => ({ offset: readU48(bytes, at), length: readU32(bytes, at + 6) })
  const footer = { filter: handle(0), index: handle(10), properties: handle(20), blocks: readU32(bytes, 30) }
  for (const { offset: start, length } of [footer.filter, footer.index, footer.properties]) {
    if (start + length + sectionTrailerSize > offset) return "a section outside the file"
  }
  return footer
}

/**
 * Versions that are not the newest of their key in a table. Only snapshots can read them. Range deletions do
 * not count: they concern other keys too.
 */
export interface Superseded {
  readonly entries: number
  /** Bytes of their keys and values before compression. */
  readonly bytes: number
}

/**
 * Describes a table without its blocks. Stored in the manifest, and in the table itself as its
 * properties.
 */
export interface TableMeta {
  readonly fileNumber: number
  /** Size of the whole file in bytes. */
  readonly size: number
  readonly smallestKey: Uint8Array
  readonly largestKey: Uint8Array
  readonly smallestSequence: number
  readonly largestSequence: number
  readonly entries: number
  readonly deletions: number
  /** Bytes of keys and values before compression. */
  readonly rawBytes: number
  /**
   * Stored in the properties, not in the manifest. Undefined if the properties have not been read,
   * or do not include it.
   */
  readonly superseded?: Superseded | undefined
  /**
   * The values that the table has handles to, by file, in ascending order. Left out if there are
   * none.
   */
  readonly valueRefs?: ReadonlyArray<ValueRef> | undefined
  /** The range deletions that are among its entries. Left out if there are none. */
  readonly ranges?: ReadonlyArray<RangeDeletion> | undefined
  /**
   * No range deletion up to this sequence number covers an entry of the table. Left out if it is 0.
   */
  readonly cleared?: number | undefined
  /** The entries that expire. Left out if there are none. */
  readonly expiring?: Expiring | undefined
}

/** Bytes of the table and of the values that it has handles to. */
export const bytesWithValues = ({ size, valueRefs }: TableMeta): number => size + referencedBytes(valueRefs)

export const encodeTableMeta = (meta: TableMeta): Uint8Array => {
  const { smallestKey, largestKey } = meta
  const bytes = new Uint8Array(
    42 + varintLength(smallestKey.length) + smallestKey.length + varintLength(largestKey.length) + largestKey.length
  )
  writeU48(bytes, 0, meta.fileNumber)
  writeU48(bytes, 6, meta.size)
  writeU48(bytes, 12, meta.smallestSequence)
  writeU48(bytes, 18, meta.largestSequence)
  writeU48(bytes, 24, meta.entries)
  writeU48(bytes, 30, meta.deletions)
  writeU48(bytes, 36, meta.rawBytes)
  let at = writeVarint(bytes, 42, smallestKey.length)
  bytes.set(smallestKey, at)
  at = writeVarint(bytes, at + smallestKey.length, largestKey.length)
  bytes.set(largestKey, at)
  return bytes
}

/** Where the last `TableMeta` decoded ends. */
export let tableMetaEnd = 0

/** Returns undefined if `bytes[start, end)` does not begin with a `TableMeta`. */
export const decodeTableMeta = (bytes: Uint8Array, start: number, end: number): TableMeta | undefined => {
  if (end - start < 44) return undefined
  const smallestLength = readVarint(bytes, start + 42, end)
  const smallestStart = varintEnd
  if (smallestLength < 0 || smallestStart + smallestLength > end) return undefined
  const largestLength = readVarint(bytes, smallestStart + smallestLength, end)
  const largestStart = varintEnd
  if (largestLength < 0 || largestStart + largestLength > end) return undefined
  tableMetaEnd = largestStart + largestLength
  return {
    fileNumber: readU48(bytes, start),
    size: readU48(bytes, start + 6),
    smallestSequence: readU48(bytes, start + 12),
    largestSequence: readU48(bytes, start + 18),
    entries: readU48(bytes, start + 24),
    deletions: readU48(bytes, start + 30),
    rawBytes: readU48(bytes, start + 36),
    smallestKey: bytes.slice(smallestStart, smallestStart + smallestLength),
    largestKey: bytes.slice(largestStart, tableMetaEnd)
  }
}

/**
 * Encodes a table's properties: its `TableMeta`, followed by fields that were added to the format
 * later. Readers ignore unknown bytes at the end.
 *
 * ```
 * +------+----------------------+--------------------+ +---------+ +---------------+-----------+---------+
 * | meta | superseded entries 6 | superseded bytes 6 | | count 4 | | file number 6 | entries 6 | bytes 6 | ...
 * +------+----------------------+--------------------+ +---------+ +---------------+-----------+---------+
 *
 * +-----------+--------------------+-----------------+---------+ +------------+----------------+-------+ ...
 * | cleared 6 | expiring entries 6 | latest expiry 6 | count 4 | | sequence 6 | start length v | start |
 * +-----------+--------------------+-----------------+---------+ +------------+----------------+-------+ ...
 * ```
 *
 * The first count is that of the files with values, each of which follows. From version 4 on, the
 * second line follows, and its count is that of the range deletions. In older versions the first count
 * is left out if it is 0.
 */
export const encodeProperties = (meta: TableMeta, version = 2): Uint8Array => {
  const core = encodeTableMeta(meta)
  const { superseded } = meta
  if (superseded === undefined) return core
  const { cleared = 0, expiring, ranges = [], valueRefs = [] } = meta
  const hasMore = version >= 4
  const refsSize = valueRefs.length === 0 && !hasMore ? 0 : 4 + valueRefs.length * valueRefSize
  const rangesSize = hasMore ? ranges.reduce((size, range) => size + rangeSize(range), moreSize) : 0
  const bytes = new Uint8Array(core.length + supersededSize + refsSize + rangesSize)
  bytes.set(core)
  writeU48(bytes, core.length, superseded.entries)
  writeU48(bytes, core.length + 6, superseded.bytes)
  if (refsSize === 0) return bytes
  let at = core.length + supersededSize
  writeU32(bytes, at, valueRefs.length)
  at += 4
  for (const ref of valueRefs) {
    writeValueRef(bytes, at, ref)
    at += valueRefSize
  }
  if (!hasMore) return bytes
  writeU48(bytes, at, cleared)
  writeU48(bytes, at + 6, expiring?.entries ?? 0)
  writeU48(bytes, at + 12, expiring?.latest ?? 0)
  writeU32(bytes, at + 18, ranges.length)
  at += moreSize
  for (const range of ranges) at = writeRange(bytes, at, range)
  return bytes
}

export const rangeSize = ({ start, end }: RangeDeletion): number => {
  const endLength = encodeEnd(end).length
  return 6 + varintLength(start.length) + start.length + varintLength(endLength) + endLength
}

/** Returns where it ends. */
export const writeRange = (bytes: Uint8Array, at: number, { start, end, sequence }: RangeDeletion): number => {
  const last = encodeEnd(end)
  writeU48(bytes, at, sequence)
  at = writeVarint(bytes, at + 6, start.length)
  bytes.set(start, at)
  at = writeVarint(bytes, at + start.length, last.length)
  bytes.set(last, at)
  return at + last.length
}

/** Where the last range deletion read ends. */
export let rangeEnd = 0

/** Returns undefined if `bytes[at, to)` does not begin with a range deletion. */
export const readRange = (bytes: Uint8Array, at: number, to: number): RangeDeletion | undefined => {
  if (at + 6 > to) return undefined
  const startLength = readVarint(bytes, at + 6, to)
  const start = varintEnd
  if (startLength < 0 || start + startLength > to) return undefined
  const endLength = readVarint(bytes, start + startLength, to)
  const end = varintEnd
  if (endLength < 0 || end + endLength > to) return undefined
  rangeEnd = end + endLength
  return rangeDeletionOf(readU48(bytes, at), bytes, start, start + startLength, bytes, end, rangeEnd)
}

const supersededSize = 12
/** Before the range deletions. */
const moreSize = 22
export const valueRefSize = 18

export const writeValueRef = (bytes: Uint8Array, at: number, { fileNumber, entries, bytes: size }: ValueRef): void => {
  writeU48(bytes, at, fileNumber)
  writeU48(bytes, at + 6, entries)
  writeU48(bytes, at + 12, size)
}

export const readValueRef = (bytes: Uint8Array, at: number): ValueRef => ({
  fileNumber: readU48(bytes, at),
  entries: readU48(bytes, at + 6),
  bytes: readU48(bytes, at + 12)
})

/** Returns undefined if the bytes are malformed. */
export const decodeProperties = (bytes: Uint8Array): TableMeta | undefined => {
  const meta = decodeTableMeta(bytes, 0, bytes.length)
  if (meta === undefined || tableMetaEnd + supersededSize > bytes.length) return meta
  const superseded = { entries: readU48(bytes, tableMetaEnd), bytes: readU48(bytes, tableMetaEnd + 6) }
  const refsAt = tableMetaEnd + supersededSize
  if (refsAt + 4 > bytes.length) return { ...meta, superseded }
  const count = readU32(bytes, refsAt)
  if (refsAt + 4 + count * valueRefSize > bytes.length) return undefined
  const valueRefs = Array.from({ length: count }, (_, i) => readValueRef(bytes, refsAt + 4 + i * valueRefSize))
  const withValues: TableMeta = { ...meta, superseded, ...(count > 0 && { valueRefs }) }
  const rangesAt = refsAt + 4 + count * valueRefSize
  if (rangesAt + moreSize > bytes.length) return withValues
  const cleared = readU48(bytes, rangesAt)
  const expiring = { entries: readU48(bytes, rangesAt + 6), latest: readU48(bytes, rangesAt + 12) }
  const ranges: Array<RangeDeletion> = []
  let at = rangesAt + moreSize
  for (let left = readU32(bytes, rangesAt + 18); left > 0; left--) {
    const range = readRange(bytes, at, bytes.length)
    if (range === undefined) return undefined
    ranges.push(range)
    at = rangeEnd
  }
  return {
    ...withValues,
    ...(cleared > 0 && { cleared }),
    ...(expiring.entries > 0 && { expiring }),
    ...(ranges.length > 0 && { ranges })
  }
}
