import { compareRange, equalRange, prefixWord } from "../bytes/bytes.js"
import { readU16, readU32, readU48 } from "../bytes/encoding.js"
import type { LookupKey } from "../bytes/lookupKey.js"
import { hasInLines, lineBytes } from "./lineFilter.js"

/**
 * A partition: the filter and the index of up to `partitionBlocks` consecutive data blocks. It is
 * searched in place, in the form in which it is stored.
 *
 * ```
 * +--------------+----------------+----------------+--------------+----------------+----------+--------+---------+
 * | filter       | word           | length         | block end    | tail end       | tail ... | common | trailer |
 * | line 64 ...  | 8 a block      | 1 a block      | 4 or 6 a     | 4 a block, or  |          | prefix |         |
 * |              |                |                | block        | none           |          |        |         |
 * +--------------+----------------+----------------+--------------+----------------+----------+--------+---------+
 *
 * trailer:
 *  0         2          3           4              8               14              18            22       23  24
 * +---------+----------+-----------+--------------+---------------+---------------+-------------+--------+---+
 * | count 2 | end      | hashes of | filter lines | offset of the | common prefix | tails size 4| tails? | 0 |
 * |         | width 1  | filter 1  | 4            | first block 6 | length 4      |             | 1      |   |
 * +---------+----------+-----------+--------------+---------------+---------------+-------------+--------+---+
 * ```
 *
 * The data blocks are contiguous. A block end is the distance of the end of a block, with its
 * section trailer, from the offset of the first block. A separator is stored without the prefix
 * that all separators of the partition share: its next eight bytes, padded with zeros, are its
 * word. Its length counts the bytes after the common prefix, at most `long`. What a long separator
 * has behind its word is its tail. If no separator is long, there are neither tail ends nor tails.
 */
export const partitionBlocks = 128

export const wordBytes = 8
/** The stored length of a separator whose bytes do not fit in a word. */
export const long = wordBytes + 1
export const partitionTrailerSize = 24

/** Locates the parts of a partition. One view can be reused for many partitions. */
export class PartitionView {
  count = 0
  /** Offset of the first data block in the file. */
  base = 0
  lines = 0
  private bytes: Uint8Array = new Uint8Array(0)
  private hashCount = 0
  private endWidth = 4
  private start = 0
  private words = 0
  private lengths = 0
  private ends = 0
  private tailEnds = 0
  private tails = 0
  private prefix = 0
  private prefixLength = 0

  /** Opens `bytes[start, end)`. Returns false if the layout is not that of a partition. */
  open(bytes: Uint8Array, start: number, end: number): boolean {
    const at = end - partitionTrailerSize
    if (at < start) return false
    const count = readU16(bytes, at)
    const endWidth = bytes[at + 2]!
    const lines = readU32(bytes, at + 4)
    const prefixLength = readU32(bytes, at + 14)
    const tailsSize = readU32(bytes, at + 18)
    this.bytes = bytes
    this.start = start
    this.count = count
    this.endWidth = endWidth
    this.hashCount = bytes[at + 3]!
    this.lines = lines
    this.base = readU48(bytes, at + 8)
    this.prefixLength = prefixLength
    this.words = start + lines * lineBytes
    this.lengths = this.words + count * wordBytes
    this.ends = this.lengths + count
    this.tailEnds = this.ends + count * endWidth
    this.tails = this.tailEnds + (bytes[at + 22] === 0 ? 0 : count * 4)
    this.prefix = this.tails + tailsSize
    return this.prefix + prefixLength === at
  }

  /**
   * Whether the contents are valid too: blocks that follow each other and end at or before `limit`,
   * and separators that lie within the partition. Needed once after a partition was read.
   */
  isValid(limit: number): boolean {
    const { count, bytes, endWidth } = this
    if (count < 1 || count > partitionBlocks || (endWidth !== 4 && endWidth !== 6)) return false
    let last = 0
    let lastTail = 0
    for (let i = 0; i < count; i++) {
      const end = this.endOf(i)
      if (end <= last) return false
      last = end
      const length = bytes[this.lengths + i]!
      if (length > long || (length === long && this.tails === this.tailEnds)) return false
      if (this.tails === this.tailEnds) continue
      const tail = readU32(bytes, this.tailEnds + i * 4)
      if (tail < lastTail || tail > lastTail !== (length === long)) return false
      lastTail = tail
    }
    return this.base + last <= limit && this.tails + lastTail === this.prefix
  }

  /** Returns false if the key is certainly in none of the blocks. */
  mayHold(key: LookupKey): boolean {
    return this.lines === 0 || hasInLines(this.bytes, this.start, this.lines, this.hashCount, key)
  }

  /** Returns the first block whose separator is at or above the key, or `count`. */
  find(key: Uint8Array, length: number): number {
    const { bytes, prefixLength, words, prefix } = this
    const order = compareRange(key, 0, Math.min(length, prefixLength), bytes, prefix, prefix + prefixLength)
    if (order !== 0) return order < 0 ? 0 : this.count
    const high = prefixWord(key, prefixLength, length)
    const low = prefixWord(key, Math.min(prefixLength + 4, length), length)
    let from = 0
    let to = this.count
    while (from < to) {
      const middle = (from + to) >>> 1
      const at = words + middle * wordBytes
      let difference = bigEndian(bytes, at) - high
      if (difference === 0) difference = bigEndian(bytes, at + 4) - low
      if (difference === 0) difference = this.compareBehindWord(middle, key, length)
      if (difference < 0) from = middle + 1
      else to = middle
    }
    return from
  }

  /** Whether a block's separator is the key. */
  separatorIs(block: number, key: Uint8Array, length: number): boolean {
    const { bytes, prefixLength, prefix, words } = this
    if (length < prefixLength || !equalRange(key, 0, prefixLength, bytes, prefix, prefix + prefixLength)) return false
    const at = words + block * wordBytes
    return (
      bigEndian(bytes, at) === prefixWord(key, prefixLength, length) &&
      bigEndian(bytes, at + 4) === prefixWord(key, Math.min(prefixLength + 4, length), length) &&
      this.compareBehindWord(block, key, length) === 0
    )
  }

  /** Compares a separator with a key that has the same prefix and word. */
  private compareBehindWord(block: number, key: Uint8Array, length: number): number {
    const { bytes, tails, tailEnds } = this
    const own = bytes[this.lengths + block]!
    const rest = Math.min(length - this.prefixLength, long)
    if (own !== long || rest !== long) return own - rest
    const start = block === 0 ? 0 : readU32(bytes, tailEnds + block * 4 - 4)
    const end = readU32(bytes, tailEnds + block * 4)
    return compareRange(bytes, tails + start, tails + end, key, this.prefixLength + wordBytes, length)
  }

  /** Offset of a block in the file. */
  blockStart(block: number): number {
    return block === 0 ? this.base : this.base + this.endOf(block - 1)
  }

  /** Where a block ends in the file, its section trailer included. */
  blockEnd(block: number): number {
    return this.base + this.endOf(block)
  }

  private endOf(block: number): number {
    const at = this.ends + block * this.endWidth
    return this.endWidth === 4 ? readU32(this.bytes, at) : readU48(this.bytes, at)
  }
}

const bigEndian = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
