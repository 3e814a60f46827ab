import { copyInto, equalRange } from "../bytes/bytes.js"
import { writeU32, writeU48 } from "../bytes/encoding.js"
import { blockTrailerSize, fingerprintOf } from "./blockView.js"
import { ColumnBuilder } from "./column.js"

/** `reset` releases buffers that have grown beyond this size. */
const keptBytes = 1024 * 1024

/** Collects sorted entries into a block. */
export class BlockBuilder {
  private buffer: Uint8Array = new Uint8Array(1024)
  private valuesSize = 0
  private tails: Uint8Array = new Uint8Array(256)
  private tailsSize = 0
  private fingerprints: Uint8Array = new Uint8Array(64)
  /** Two offsets for each group. */
  private groups = new Uint32Array(16)
  private groupCount = 0
  /** Entries until the next group begins. */
  private untilGroup = 0
  private readonly shared = new ColumnBuilder()
  private readonly keyLengths = new ColumnBuilder()
  private readonly valueLengths = new ColumnBuilder()
  private readonly sequences = new ColumnBuilder()
  private readonly kinds = new ColumnBuilder()
  private lastKey: Uint8Array = new Uint8Array(256)
  private lastKeyLength = 0
  private headStart = 0
  private headLength = 0
  count = 0

  constructor(private readonly interval: number) {}

  get isEmpty(): boolean {
    return this.count === 0
  }

  /** Size of the block if it were finished now. */
  get size(): number {
    return this.sizeWith(0, 0)
  }

  /**
   * Size with `entries` more entries of `bytes` bytes in total, if none of them widens a column.
   */
  sizeWith(entries: number, bytes: number): number {
    const { shared, keyLengths, valueLengths, sequences, kinds } = this
    const width = 1 + shared.width + keyLengths.width + valueLengths.width + sequences.width + kinds.width
    const count = this.count + entries
    const groups =
      this.groupCount + (entries > this.untilGroup ? Math.ceil((entries - this.untilGroup) / this.interval) : 0)
    return this.valuesSize + this.tailsSize + groups * 8 + count * width + bytes + blockTrailerSize
  }

  /** Adds the next entry in order. `hash2` is the second hash of its key. */
  add(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
    kind: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
    hash2: number
  ): void {
    const keyLength = keyEnd - keyStart
    let shared = 0
    if (this.untilGroup === 0) {
      this.beginGroup()
      this.headStart = this.tailsSize
      this.headLength = keyLength
    } else {
      const { tails, headStart } = this
      const limit = Math.min(keyLength, this.headLength)
      while (shared < limit && tails[headStart + shared] === keyBytes[keyStart + shared]) shared++
    }
    this.untilGroup--
    if (this.tailsSize + keyLength > this.tails.length) this.tails = withRoom(this.tails, this.tailsSize, keyLength)
    copyInto(keyBytes, keyStart + shared, keyEnd, this.tails, this.tailsSize)
    this.tailsSize += keyLength - shared
    if (this.valuesSize + valueEnd - valueStart > this.buffer.length) {
      this.buffer = withRoom(this.buffer, this.valuesSize, valueEnd - valueStart)
    }
    copyInto(valueBytes, valueStart, valueEnd, this.buffer, this.valuesSize)
    this.valuesSize += valueEnd - valueStart
    this.shared.add(shared)
    this.keyLengths.add(keyLength)
    this.valueLengths.add(valueEnd - valueStart)
    this.sequences.add(sequence)
    this.kinds.add(kind)
    if (this.count === this.fingerprints.length) this.fingerprints = withRoom(this.fingerprints, this.count, 1)
    this.fingerprints[this.count] = fingerprintOf(hash2)
    if (keyLength > this.lastKey.length) this.lastKey = new Uint8Array(keyLength * 2)
    copyInto(keyBytes, keyStart, keyEnd, this.lastKey, 0)
    this.lastKeyLength = keyLength
    this.count++
  }

  private beginGroup(): void {
    const at = this.groupCount * 2
    if (at === this.groups.length) {
      const larger = new Uint32Array(at * 2)
      larger.set(this.groups)
      this.groups = larger
    }
    this.groups[at] = this.tailsSize
    this.groups[at + 1] = this.valuesSize
    this.groupCount++
    this.untilGroup = this.interval
  }

  /** Whether this key equals the last key added. */
  isLastKey(bytes: Uint8Array, start: number, end: number): boolean {
    return equalRange(this.lastKey, 0, this.lastKeyLength, bytes, start, end)
  }

  copyLastKey(): Uint8Array {
    return this.lastKey.slice(0, this.lastKeyLength)
  }

  /**
   * Returns the finished block in the builder's own buffer, valid until `reset`. The buffer has
   * `extra` bytes of room after the block for the caller.
   */
  finish(extra: number): { readonly bytes: Uint8Array; readonly length: number } {
    const { shared, keyLengths, valueLengths, sequences, kinds } = this
    this.buffer = withRoom(this.buffer, this.valuesSize, this.size - this.valuesSize + extra)
    const bytes = this.buffer
    let at = this.valuesSize
    copyInto(this.tails, 0, this.tailsSize, bytes, at)
    at += this.tailsSize
    copyInto(this.fingerprints, 0, this.count, bytes, at)
    at += this.count
    for (let i = 0; i < this.groupCount * 2; i++, at += 4) writeU32(bytes, at, this.groups[i]!)
    at = kinds.write(
      bytes,
      sequences.write(bytes, valueLengths.write(bytes, keyLengths.write(bytes, shared.write(bytes, at))))
    )
    writeU32(bytes, at, keyLengths.base)
    writeU32(bytes, at + 4, valueLengths.base)
    writeU48(bytes, at + 8, sequences.base)
    bytes[at + 14] = kinds.base
    bytes[at + 15] = shared.width
    bytes[at + 16] = keyLengths.width
    bytes[at + 17] = valueLengths.width
    bytes[at + 18] = sequences.width
    bytes[at + 19] = kinds.width
    writeU32(bytes, at + 20, this.valuesSize)
    writeU32(bytes, at + 24, this.tailsSize)
    writeU32(bytes, at + 28, this.count)
    writeU32(bytes, at + 32, this.interval)
    return { bytes, length: at + blockTrailerSize }
  }

  reset(): void {
    this.valuesSize = 0
    this.tailsSize = 0
    this.groupCount = 0
    this.untilGroup = 0
    this.shared.clear()
    this.keyLengths.clear()
    this.valueLengths.clear()
    this.sequences.clear()
    this.kinds.clear()
    this.lastKeyLength = 0
    this.count = 0
    if (this.buffer.length > keptBytes) this.buffer = new Uint8Array(1024)
    if (this.tails.length > keptBytes) this.tails = new Uint8Array(256)
    if (this.fingerprints.length > keptBytes) this.fingerprints = new Uint8Array(64)
  }
}

/** Returns `bytes`, or a larger copy of its first `used` bytes, with room for `extra` more. */
const withRoom = (bytes: Uint8Array, used: number, extra: number): Uint8Array => {
  const needed = used + extra
  if (needed <= bytes.length) return bytes
  const larger = new Uint8Array(Math.max(needed, bytes.length * 2))
  larger.set(bytes.subarray(0, used))
  return larger
}
