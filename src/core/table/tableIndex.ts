import { compareRange, copyInto, equalRange, prefixWord } from "../bytes/bytes.js"
import { readVarint, varintEnd } from "../bytes/encoding.js"
import { BlockCursor } from "./blockCursor.js"
import type { Handle } from "./tableFormat.js"

/** This many searches use the index block directly, before the heads are read into memory. */
const searchesInBlock = 16

/**
 * A table's index in memory: the first eight bytes of each separator as two numbers, the separators
 * themselves, and the handles of the data blocks. A search compares the numbers first, and the
 * bytes only if the numbers are equal.
 *
 * ```
 * heads of groups ----> one group's separators ----> block
 * ```
 *
 * Decoding is lazy, to keep opening fast for tables with thousands of blocks. The first searches
 * use the index block directly. Then the heads of all groups are read, and each group is decoded at
 * the first search that reaches it.
 */
export class TableIndex {
  /** Number of data blocks. */
  readonly count: number
  private readonly cursor: BlockCursor
  private readonly interval: number
  /** Empty until the heads have been read. */
  private headHigh = nothing
  private headLow = nothing
  private searches = 0
  /** The separators of each group, concatenated. Undefined until the group is decoded. */
  private readonly keys: Array<Uint8Array | undefined>
  /** Where each separator ends within its group's separators. */
  private readonly keyEnds: Uint32Array
  private readonly high: Uint32Array
  private readonly low: Uint32Array
  /** Where each data block begins. Negative until it is decoded. */
  private readonly offsets: Float64Array
  private readonly lengths: Uint32Array
  private keyBytes = 0

  /**
   * `malformed` must throw. It is called, here or by a later method, when the block is not a valid
   * index of blocks that end at or before `limit`.
   */
  constructor(
    private readonly block: Uint8Array,
    private readonly limit: number,
    private readonly malformed: () => never
  ) {
    const cursor = new BlockCursor(malformed)
    cursor.open(block)
    const { count, groups, interval } = cursor
    this.cursor = cursor
    this.count = count
    this.interval = interval
    this.keys = new Array<Uint8Array | undefined>(groups).fill(undefined)
    this.keyEnds = new Uint32Array(count)
    this.high = new Uint32Array(count)
    this.low = new Uint32Array(count)
    this.offsets = new Float64Array(count).fill(-1)
    this.lengths = new Uint32Array(count)
  }

  get memory(): number {
    return this.block.length + this.count * 24 + this.keys.length * 16 + this.keyBytes
  }

  /**
   * Returns the first block whose separator is at or above the key, or `count` if there is none.
   */
  find(key: Uint8Array, length: number): number {
    if (this.searches < searchesInBlock) return this.findInBlock(key, length)
    const high = highOf(key, length)
    const low = lowOf(key, length)
    const { headHigh, headLow, interval } = this
    let from = 0
    let to = headHigh.length
    while (from < to) {
      const middle = (from + to) >>> 1
      let order = headHigh[middle]! - high
      if (order === 0) order = headLow[middle]! - low
      if (order === 0) order = this.cursor.compareHead(middle, key, length)
      if (order < 0) from = middle + 1
      else to = middle
    }
    return from === 0 ? 0 : this.findIn(from - 1, Math.min(from * interval, this.count), key, length, high, low)
  }

  /** The same as `find`, with a cursor over the index block. */
  private findInBlock(key: Uint8Array, length: number): number {
    const { cursor } = this
    if (this.searches === searchesInBlock - 1) this.readHeads()
    this.searches++
    cursor.seek(key, length)
    if (!cursor.valid) return this.count
    this.readHandle()
    return cursor.index
  }

  private readHeads(): void {
    const { cursor } = this
    const groups = this.keys.length
    const high = new Uint32Array(groups)
    const low = new Uint32Array(groups)
    for (let group = 0; group < groups; group++) {
      cursor.seekToGroup(group)
      high[group] = highOf(cursor.keyBytes, cursor.keyEnd)
      low[group] = lowOf(cursor.keyBytes, cursor.keyEnd)
    }
    this.headHigh = high
    this.headLow = low
  }

  /**
   * The same as `find`, among the separators that follow the head of a group. The head must be
   * below the key. Returns `to` if no separator before `to` is at or above the key.
   */
  private findIn(group: number, to: number, key: Uint8Array, length: number, keyHigh: number, keyLow: number): number {
    const keys = this.keys[group] ?? this.takeApart(group)
    const { high, low, keyEnds } = this
    let from = group * this.interval + 1
    while (from < to) {
      const middle = (from + to) >>> 1
      let order = high[middle]! - keyHigh
      if (order === 0) order = low[middle]! - keyLow
      if (order === 0) order = compareRange(keys, keyEnds[middle - 1]!, keyEnds[middle]!, key, 0, length)
      if (order < 0) from = middle + 1
      else to = middle
    }
    return from
  }

  /**
   * Whether a block's separator is the key. If so, older versions of the key may be in the next
   * block.
   */
  separatorIs(block: number, key: Uint8Array, length: number): boolean {
    const group = (block / this.interval) | 0
    const keys = this.keys[group] ?? this.takeApart(group)
    const start = block === group * this.interval ? 0 : this.keyEnds[block - 1]!
    return equalRange(keys, start, this.keyEnds[block]!, key, 0, length)
  }

  offsetOf(block: number): number {
    if (this.offsets[block]! < 0) this.takeApart((block / this.interval) | 0)
    return this.offsets[block]!
  }

  lengthOf(block: number): number {
    if (this.offsets[block]! < 0) this.takeApart((block / this.interval) | 0)
    return this.lengths[block]!
  }

  /** Returns the handles of all data blocks, in order. */
  handles(): Array<Handle> {
    return Array.from(this.offsets, (_, block) => ({ offset: this.offsetOf(block), length: this.lengthOf(block) }))
  }

  /** Decodes and keeps the handle at the cursor. */
  private readHandle(): void {
    const { cursor } = this
    const offset = readVarint(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)
    const length = readVarint(cursor.valueBytes, varintEnd, cursor.valueEnd)
    if (offset < 0 || length < 0 || offset + length > this.limit) this.malformed()
    this.offsets[cursor.index] = offset
    this.lengths[cursor.index] = length
  }

  private takeApart(group: number): Uint8Array {
    const { cursor } = this
    const first = group * this.interval
    const end = Math.min(first + this.interval, this.count)
    const pieces: Array<Uint8Array> = []
    let keyBytes = 0
    cursor.seekToGroup(group)
    for (let i = first; i < end; i++) {
      const { keyEnd } = cursor
      pieces.push(cursor.keyBytes.slice(0, keyEnd))
      keyBytes += keyEnd
      this.keyEnds[i] = keyBytes
      this.high[i] = highOf(cursor.keyBytes, keyEnd)
      this.low[i] = lowOf(cursor.keyBytes, keyEnd)
      this.readHandle()
      cursor.next()
    }
    const keys = new Uint8Array(keyBytes)
    let at = 0
    for (const piece of pieces) {
      copyInto(piece, 0, piece.length, keys, at)
      at += piece.length
    }
    this.keyBytes += keyBytes
    this.keys[group] = keys
    return keys
  }
}

const nothing = new Uint32Array(0)

const highOf = (key: Uint8Array, length: number): number => prefixWord(key, 0, length)
const lowOf = (key: Uint8Array, length: number): number => prefixWord(key, Math.min(4, length), length)
