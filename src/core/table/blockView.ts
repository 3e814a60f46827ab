import { readU32, readU48 } from "../bytes/encoding.js"
import { readColumn, sumColumn } from "./column.js"

/**
 * A block: sorted entries with prefix-compressed keys, in columns. Data blocks and index blocks have this layout.
 *
 * ```
 * +-----------+--------------+------------------+----------------+-------------+---------+------------+
 * | value ... | key tail ... | fingerprint 1 ...| group 4 + 4 ...| column ...  | bases   | trailer    |
 * +-----------+--------------+------------------+----------------+-------------+---------+------------+
 *
 * columns: shared, key length, value length, sequence, kind
 *
 * trailer:
 *  0               4                 8          14     15          20       24           28          32        36
 * +---------------+-----------------+----------+------+-----------+--------+------------+-----------+---------+
 * | key length    | value length    | sequence | kind | widths    | values | key tails  | count 4   | group   |
 * | base 4        | base 4          | base 6   | base | 5 times 1 | size 4 | size 4     |           | size 4  |
 * +---------------+-----------------+----------+------+-----------+--------+------------+-----------+---------+
 * ```
 *
 * Every group of so many entries begins with a head, whose key is whole. `shared` counts the leading bytes that an entry's key takes
 * from its head; the rest is its tail. A group's pair says where its key tails and its values begin, in the key
 * tails and in the values. A fingerprint is one byte of an entry's key hash. All versions of one key stand in one block, newest first.
 *
 * A lookup reads the fingerprints, then the columns of one group up to the entry, its head, its tail and its value: six or seven
 * cache lines, where entries written one behind the other took eight lines more for the walk from a restart point to the entry.
 * Columns side by side also deflate to less. Sharing prefixes within groups follows LevelDB's restart points.
 */
export const blockTrailerSize = 36

/** One byte of the second hash of a key. */
export const fingerprintOf = (hash2: number): number => hash2 >>> 24

/** Where the parts of a block lie. Reused from block to block. */
export class BlockView {
  bytes: Uint8Array = nothing
  private start = 0
  count = 0
  /** Entries a group. */
  interval = 1
  keysStart = 0
  /** Where the fingerprints begin and the key tails end. */
  keysEnd = 0
  private groupsStart = 0
  private sharedStart = 0
  private sharedWidth = 0
  private keyLengthStart = 0
  private keyLengthWidth = 0
  private keyLengthBase = 0
  private valueLengthStart = 0
  private valueLengthWidth = 0
  private valueLengthBase = 0
  private sequenceStart = 0
  private sequenceWidth = 0
  private sequenceBase = 0
  private kindStart = 0
  private kindWidth = 0
  private kindBase = 0

  /** Whether `bytes[start, end)` are laid out as a block. What its columns say is not checked. */
  open(bytes: Uint8Array, start: number, end: number): boolean {
    const at = end - blockTrailerSize
    if (at < start) return false
    const count = readU32(bytes, at + 28)
    const interval = readU32(bytes, at + 32)
    if (interval === 0) return false
    this.bytes = bytes
    this.start = start
    this.count = count
    this.interval = interval
    this.keyLengthBase = readU32(bytes, at)
    this.valueLengthBase = readU32(bytes, at + 4)
    this.sequenceBase = readU48(bytes, at + 8)
    this.kindBase = bytes[at + 14]!
    this.sharedWidth = bytes[at + 15]!
    this.keyLengthWidth = bytes[at + 16]!
    this.valueLengthWidth = bytes[at + 17]!
    this.sequenceWidth = bytes[at + 18]!
    this.kindWidth = bytes[at + 19]!
    this.keysStart = start + readU32(bytes, at + 20)
    this.keysEnd = this.keysStart + readU32(bytes, at + 24)
    this.groupsStart = this.keysEnd + count
    this.sharedStart = this.groupsStart + Math.ceil(count / interval) * 8
    this.keyLengthStart = this.sharedStart + count * this.sharedWidth
    this.valueLengthStart = this.keyLengthStart + count * this.keyLengthWidth
    this.sequenceStart = this.valueLengthStart + count * this.valueLengthWidth
    this.kindStart = this.sequenceStart + count * this.sequenceWidth
    return this.kindStart + count * this.kindWidth === at
  }

  groupOf(index: number): number {
    return (index / this.interval) | 0
  }
  /** Where the key of a group's head begins. */
  groupKey(group: number): number {
    return this.keysStart + readU32(this.bytes, this.groupsStart + group * 8)
  }
  /** Where the value of a group's head begins. */
  groupValue(group: number): number {
    return this.start + readU32(this.bytes, this.groupsStart + group * 8 + 4)
  }
  shared(index: number): number {
    return readColumn(this.bytes, this.sharedStart, this.sharedWidth, index)
  }
  keyLength(index: number): number {
    return this.keyLengthBase + readColumn(this.bytes, this.keyLengthStart, this.keyLengthWidth, index)
  }
  valueLength(index: number): number {
    return this.valueLengthBase + readColumn(this.bytes, this.valueLengthStart, this.valueLengthWidth, index)
  }
  sequence(index: number): number {
    return this.sequenceBase + readColumn(this.bytes, this.sequenceStart, this.sequenceWidth, index)
  }
  kind(index: number): number {
    return this.kindBase + readColumn(this.bytes, this.kindStart, this.kindWidth, index)
  }
  /** Bytes of the key tails of the entries from `from` up to `to`. */
  tailBytes(from: number, to: number): number {
    const { bytes, keyLengthStart, keyLengthWidth, sharedStart, sharedWidth } = this
    const keys = (to - from) * this.keyLengthBase + sumColumn(bytes, keyLengthStart, keyLengthWidth, from, to)
    return keys - sumColumn(bytes, sharedStart, sharedWidth, from, to)
  }
  /** Bytes of the values of the entries from `from` up to `to`. */
  valueBytes(from: number, to: number): number {
    const { bytes, valueLengthStart, valueLengthWidth } = this
    return (to - from) * this.valueLengthBase + sumColumn(bytes, valueLengthStart, valueLengthWidth, from, to)
  }
}

const nothing = new Uint8Array(0)
