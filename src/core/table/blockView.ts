import { readU32, readU48 } from "../bytes/encoding.js"
import { readColumn, sumColumn } from "./column.js"

/**
 * A block: sorted entries with prefix-compressed keys, in columns. Data blocks and index blocks
 * have this layout.
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
 * Entries form groups of "group size" entries. The first entry of a group is its head, and its key
 * is stored whole. `shared` is the number of leading bytes that an entry's key shares with the key
 * of its head; the remaining bytes are its tail. For each group, two offsets give where its tails
 * begin among the key tails, and where its values begin among the values. A fingerprint is one byte
 * of the hash of an entry's key. The versions of one key follow each other, newest first; if they
 * do not fit in one block, they continue in the next.
 *
 * A lookup reads the fingerprints, then the columns of one group up to the entry, its head, its
 * tail and its value. That touches fewer cache lines than a walk over whole entries from a restart
 * point, and columns compress better. Prefix sharing within groups follows LevelDB's restart
 * points.
 */
export const blockTrailerSize = 36

/** One byte of the second hash of a key. */
export const fingerprintOf = (hash2: number): number => hash2 >>> 24

/** Locates the parts of a block. One view can be reused for many blocks. */
export class BlockView {
  bytes: Uint8Array = nothing
  private start = 0
  count = 0
  /** Number of entries in a group. */
  interval = 1
  keysStart = 0
  /** Where the key tails end and the fingerprints begin. */
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

  /**
   * Opens the block `bytes[start, end)`. Returns false if the layout is not that of a block. Does
   * not check the contents of the columns.
   */
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
  /** Where the key of the group's head begins. */
  groupKey(group: number): number {
    return this.keysStart + readU32(this.bytes, this.groupsStart + group * 8)
  }
  /** Where the value of the group's head begins. */
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
  /** Total bytes of the key tails of entries `[from, to)`. */
  tailBytes(from: number, to: number): number {
    const { bytes, keyLengthStart, keyLengthWidth, sharedStart, sharedWidth } = this
    const keys = (to - from) * this.keyLengthBase + sumColumn(bytes, keyLengthStart, keyLengthWidth, from, to)
    return keys - sumColumn(bytes, sharedStart, sharedWidth, from, to)
  }
  /** Total bytes of the values of entries `[from, to)`. */
  valueBytes(from: number, to: number): number {
    const { bytes, valueLengthStart, valueLengthWidth } = this
    return (to - from) * this.valueLengthBase + sumColumn(bytes, valueLengthStart, valueLengthWidth, from, to)
  }
}

const nothing = new Uint8Array(0)
