import { BlockCursor } from "./blockCursor.js"
import { compareRange, prefixWord } from "./bytes.js"
import { readVarint, varintEnd } from "./encoding.js"

/**
 * A table's index in memory: separators side by side in one buffer, their first eight bytes as numbers, and
 * the handles of the data blocks. A search compares numbers, and bytes only where those are equal.
 */
export class TableIndex {
  private readonly keys: Uint8Array
  private readonly keyOffsets: Uint32Array
  private readonly high: Uint32Array
  private readonly low: Uint32Array
  readonly offsets: Float64Array
  readonly lengths: Uint32Array
  readonly count: number

  /** `malformed` is called, and must throw, when the block is no index of blocks before `limit`. */
  constructor(block: Uint8Array, limit: number, malformed: () => never) {
    const cursor = new BlockCursor(malformed)
    cursor.open(block)
    let count = 0
    let keyBytes = 0
    for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
      count++
      keyBytes += cursor.keyEnd
    }
    this.count = count
    this.keys = new Uint8Array(keyBytes)
    this.keyOffsets = new Uint32Array(count + 1)
    this.high = new Uint32Array(count)
    this.low = new Uint32Array(count)
    this.offsets = new Float64Array(count)
    this.lengths = new Uint32Array(count)
    let i = 0
    let at = 0
    for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
      const end = cursor.keyEnd
      for (let j = 0; j < end; j++) this.keys[at + j] = cursor.keyBytes[j]!
      this.keyOffsets[i] = at
      at += end
      this.high[i] = prefixWord(cursor.keyBytes, 0, end)
      this.low[i] = prefixWord(cursor.keyBytes, Math.min(4, end), end)
      const offset = readVarint(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)
      const length = readVarint(cursor.valueBytes, varintEnd, cursor.valueEnd)
      if (offset < 0 || length < 0 || offset + length > limit) malformed()
      this.offsets[i] = offset
      this.lengths[i] = length
      i++
    }
    this.keyOffsets[count] = at
  }

  get memory(): number {
    return this.keys.length + this.count * 24
  }

  /** The first block whose separator is at or above the key; `count` where there is none. */
  find(key: Uint8Array, length: number): number {
    const high = prefixWord(key, 0, length)
    const low = prefixWord(key, Math.min(4, length), length)
    let from = 0
    let to = this.count
    while (from < to) {
      const middle = (from + to) >>> 1
      let order = this.high[middle]! - high
      if (order === 0) order = this.low[middle]! - low
      if (order === 0) {
        order = compareRange(this.keys, this.keyOffsets[middle]!, this.keyOffsets[middle + 1]!, key, 0, length)
      }
      if (order < 0) from = middle + 1
      else to = middle
    }
    return from
  }
}
