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
import { type Codec, codecByte, decompress } from "./compression.js"

/**
 * A table file (SSTable).
 *
 * ```
 * +-----------+------------+-----+--------+-------+------------+-----------+
 * | header 32 | data block | ... | filter | index | properties | footer 48 |
 * +-----------+------------+-----+--------+-------+------------+-----------+
 *
 * each of data block, filter, index and properties:
 * +---------+---------------+-------+
 * | content | compression 1 | crc 4 |   the checksum covers content and compression, and its place
 * +---------+---------------+-------+
 *
 * footer:
 *  0               6            10              16         20                    26             30  36     40     44     48
 * +---------------+------------+---------------+----------+---------------------+--------------+---+------+------+-----+
 * | filter        | length 4   | index         | length 4 | properties offset 6 | length 4     | 0 | file number 6 | crc |
 * | offset 6      |            | offset 6      |          |                     |              |   | magic 4       |     |
 * +---------------+------------+---------------+----------+---------------------+--------------+---+---------------+-----+
 * ```
 *
 * Compression is 0 for none and 1 for deflate; other values are kept for codecs to come. The index is one block whose keys are
 * separators: each is at or above the last key of its data block and below the first of the next; its value is the data block's
 * offset and length as varints. If the versions of one key go on in the next block, the separator is that key.
 */
export const sectionTrailerSize = 5
export const footerSize = 48
const footerMagic = 0x9a4c5354

/** A piece of a table file; `length` counts its content as stored, not the trailer. */
export interface Handle {
  readonly offset: number
  readonly length: number
}

/** Writes compression and checksum behind a section's stored content of `length` bytes at the start of `bytes`. */
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

/** The content of the section stored in `bytes[start, start + length + trailer)`, or what is wrong with it. */
export const sectionContent = (
  bytes: Uint8Array,
  start: number,
  length: number,
  salt: number,
  fileNumber: number,
  offset: number
): Uint8Array | string => {
  const end = start + length
  if (bytes.length < end + sectionTrailerSize) return "the file ends within it"
  if (readU32(bytes, end + 1) !== checksum(bytes, start, end + 1, placeSeed(salt, fileNumber, offset))) {
    return "checksum mismatch"
  }
  const stored = bytes.subarray(start, end)
  if (bytes[end] === codecByte.none) return stored
  return bytes[end] === codecByte.deflate
    ? (decompress(stored) ?? "does not decompress")
    : `unknown compression ${bytes[end]}`
}

export interface Footer {
  readonly filter: Handle
  readonly index: Handle
  readonly properties: Handle
}

export const encodeFooter = (footer: Footer, salt: number, fileNumber: number, offset: number): Uint8Array => {
  const bytes = new Uint8Array(footerSize)
  writeU48(bytes, 0, footer.filter.offset)
  writeU32(bytes, 6, footer.filter.length)
  writeU48(bytes, 10, footer.index.offset)
  writeU32(bytes, 16, footer.index.length)
  writeU48(bytes, 20, footer.properties.offset)
  writeU32(bytes, 26, footer.properties.length)
  writeU48(bytes, 34, fileNumber)
  writeU32(bytes, 40, footerMagic)
  writeU32(bytes, 44, checksum(bytes, 0, 44, placeSeed(salt, fileNumber, offset)))
  return bytes
}

/** The footer, or what is wrong with it. */
export const decodeFooter = (bytes: Uint8Array, salt: number, fileNumber: number, offset: number): Footer | string => {
  if (bytes.length !== footerSize) return "cut short"
  if (readU32(bytes, 44) !== checksum(bytes, 0, 44, placeSeed(salt, fileNumber, offset))) return "checksum mismatch"
  if (readU32(bytes, 40) !== footerMagic || readU48(bytes, 34) !== fileNumber) return "not this table's footer"
  const handle = (at: number): Handle => ({ offset: readU48(bytes, at), length: readU32(bytes, at + 6) })
  const footer = { filter: handle(0), index: handle(10), properties: handle(20) }
  for (const { offset: start, length } of [footer.filter, footer.index, footer.properties]) {
    if (start + length + sectionTrailerSize > offset) return "a section outside the file"
  }
  return footer
}

/** Versions that are not the newest of their key in a table: nobody but a snapshot sees them. */
export interface Superseded {
  readonly entries: number
  /** Bytes of their keys and values before compression. */
  readonly bytes: number
}

/** What is known of a table without reading its blocks; the manifest keeps it, and the table itself as its properties. */
export interface TableMeta {
  readonly fileNumber: number
  /** Bytes of the whole file. */
  readonly size: number
  readonly smallestKey: Uint8Array
  readonly largestKey: Uint8Array
  readonly smallestSequence: number
  readonly largestSequence: number
  readonly entries: number
  readonly deletions: number
  /** Bytes of keys and values before compression. */
  readonly rawBytes: number
  /** The properties alone keep it. Undefined if they have not been read, or say nothing of it. */
  readonly superseded?: Superseded | undefined
}

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

/** Where the last table meta decoded ends. */
export let tableMetaEnd = 0

/** Undefined when `bytes[start, end)` does not begin with a table's meta. */
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
 * A table's properties: its meta, and behind it what was added to the format later. Each reader ignores what it does not know at the end.
 *
 * ```
 * +------+----------------------+--------------------+
 * | meta | superseded entries 6 | superseded bytes 6 |
 * +------+----------------------+--------------------+
 * ```
 */
export const encodeProperties = (meta: TableMeta): Uint8Array => {
  const core = encodeTableMeta(meta)
  const { superseded } = meta
  if (superseded === undefined) return core
  const bytes = new Uint8Array(core.length + supersededSize)
  bytes.set(core)
  writeU48(bytes, core.length, superseded.entries)
  writeU48(bytes, core.length + 6, superseded.bytes)
  return bytes
}

const supersededSize = 12

/** Undefined when the bytes are no properties. */
export const decodeProperties = (bytes: Uint8Array): TableMeta | undefined => {
  const meta = decodeTableMeta(bytes, 0, bytes.length)
  if (meta === undefined || tableMetaEnd + supersededSize > bytes.length) return meta
  const superseded = { entries: readU48(bytes, tableMetaEnd), bytes: readU48(bytes, tableMetaEnd + 6) }
  return { ...meta, superseded }
}
