import { compareRange, copyInto } from "./bytes.js"
import { readU32, readVarint, varintEnd, writeU32, writeVarint } from "./encoding.js"
import { hash, secondHash } from "./hash.js"
import type { LookupKey } from "./lookupKey.js"

/**
 * A block: sorted entries with prefix-compressed keys. Data blocks and index blocks have this layout.
 *
 * ```
 * +-----------+-----------------------+------------------+---------+------------+
 * | entry ... | restart offset 4 ...  | fingerprint 1 ...| count 4 | interval 4 |
 * +-----------+-----------------------+------------------+---------+------------+
 *
 * entry:
 * +----------+------------+----------------------+----------------+----------+-------+
 * | shared v | unshared v | sequence*8 + kind  v | value length v | key tail | value |
 * +----------+------------+----------------------+----------------+----------+-------+
 * ```
 *
 * `shared` counts the leading bytes taken from the key before. Every `interval`-th entry is a restart point:
 * it shares nothing, and its offset is listed. A fingerprint is one byte of an entry's key hash: a lookup reads those,
 * and then only the entries that can be it (a lookup in 0.7 µs instead of 1.3 µs).
 * All versions of one key stand in one block, newest first.
 *
 * The restart points and prefix compression are those of LevelDB's table format.
 */
export const blockTrailerSize = 8

const fingerprintOf = (hash2: number): number => hash2 >>> 24

export class BlockBuilder {
  private buffer = new Uint8Array(8192)
  private length = 0
  private restarts: Array<number> = []
  private fingerprints: Array<number> = []
  private lastKey: Uint8Array = new Uint8Array(256)
  private lastKeyLength = 0
  count = 0

  constructor(private readonly interval: number) {}

  get isEmpty(): boolean {
    return this.count === 0
  }

  /** Size of the block if it were finished now. */
  get size(): number {
    return this.length + this.restarts.length * 4 + this.count + blockTrailerSize
  }

  /** Adds an entry in order; `hash2` is the second hash of its key. */
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
    const valueLength = valueEnd - valueStart
    let shared = 0
    if (this.count % this.interval === 0) {
      this.restarts.push(this.length)
    } else {
      const limit = Math.min(keyLength, this.lastKeyLength)
      while (shared < limit && this.lastKey[shared] === keyBytes[keyStart + shared]) shared++
    }
    const unshared = keyLength - shared
    this.ensure(40 + unshared + valueLength)
    const { buffer } = this
    let at = this.length
    at = writeVarint(buffer, at, shared)
    at = writeVarint(buffer, at, unshared)
    at = writeVarint(buffer, at, sequence * 8 + kind)
    at = writeVarint(buffer, at, valueLength)
    copyInto(keyBytes, keyStart + shared, keyEnd, buffer, at)
    at += unshared
    copyInto(valueBytes, valueStart, valueEnd, buffer, at)
    this.length = at + valueLength
    if (keyLength > this.lastKey.length) this.lastKey = new Uint8Array(keyLength * 2)
    copyInto(keyBytes, keyStart, keyEnd, this.lastKey, 0)
    this.lastKeyLength = keyLength
    this.fingerprints.push(fingerprintOf(hash2))
    this.count++
  }

  /** Order of the last key added against another. */
  compareLastKey(bytes: Uint8Array, start: number, end: number): number {
    return compareRange(this.lastKey, 0, this.lastKeyLength, bytes, start, end)
  }

  copyLastKey(): Uint8Array {
    return this.lastKey.slice(0, this.lastKeyLength)
  }

  /** The finished block, in the builder's own buffer: valid until `reset`. `extra` bytes behind it are the caller's. */
  finish(extra: number): { readonly bytes: Uint8Array; readonly length: number } {
    this.ensure(this.restarts.length * 4 + this.count + blockTrailerSize + extra)
    const { buffer } = this
    let at = this.length
    for (const restart of this.restarts) {
      writeU32(buffer, at, restart)
      at += 4
    }
    for (const fingerprint of this.fingerprints) buffer[at++] = fingerprint
    writeU32(buffer, at, this.count)
    writeU32(buffer, at + 4, this.interval)
    return { bytes: buffer, length: at + blockTrailerSize }
  }

  reset(): void {
    this.length = 0
    this.restarts = []
    this.fingerprints = []
    this.lastKeyLength = 0
    this.count = 0
    if (this.buffer.length > 1024 * 1024) this.buffer = new Uint8Array(8192)
  }

  private ensure(extra: number): void {
    const needed = this.length + extra
    if (needed <= this.buffer.length) return
    const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2))
    larger.set(this.buffer.subarray(0, this.length))
    this.buffer = larger
  }
}

/** Where the parts of a block begin; undefined when they do not fit in it. */
export interface BlockLayout {
  readonly bytes: Uint8Array
  readonly restartsStart: number
  readonly restartCount: number
  readonly fingerprintsStart: number
  readonly count: number
  readonly interval: number
}

export const blockLayout = (bytes: Uint8Array): BlockLayout | undefined => {
  const end = bytes.length - blockTrailerSize
  if (end < 0) return undefined
  const count = readU32(bytes, end)
  const interval = readU32(bytes, end + 4)
  if (interval === 0) return undefined
  const restartCount = Math.ceil(count / interval)
  const fingerprintsStart = end - count
  const restartsStart = fingerprintsStart - restartCount * 4
  return restartsStart < 0 ? undefined : { bytes, restartsStart, restartCount, fingerprintsStart, count, interval }
}

/** What a lookup found. One is reused for all lookups of a store. */
export class Found {
  kind = 0
  sequence = 0
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
}

export const Lookup = { absent: 0, found: 1, malformed: 2 } as const

/**
 * Looks for the newest version of `key` at or before `sequence` in a block. Whole keys are never rebuilt: walking from
 * the restart point, only the length of the common prefix with the key sought is carried along.
 */
export const findInBlock = (bytes: Uint8Array, key: LookupKey, sequence: number, found: Found): number => {
  const trailer = bytes.length - blockTrailerSize
  const count = readU32(bytes, trailer)
  const interval = readU32(bytes, trailer + 4)
  const fingerprintsStart = trailer - count
  const restartsStart = fingerprintsStart - Math.ceil(count / interval) * 4
  if (!(restartsStart >= 0)) return Lookup.malformed
  const fingerprint = fingerprintOf(key.hash2)
  const target = key.bytes
  const targetLength = key.length
  for (let i = 0; i < count; i++) {
    if (bytes[fingerprintsStart + i] !== fingerprint) continue
    const restart = (i / interval) | 0
    let at = readU32(bytes, restartsStart + restart * 4)
    let common = 0
    let length = 0
    for (let entry = restart * interval; ; entry++) {
      // Varints of one byte are read in place, and the tags of entries passed by are skipped: half the time of a walk.
      let shared = bytes[at]!
      let unshared = bytes[at + 1]!
      if (shared < 0x80 && unshared < 0x80) {
        at += 2
      } else {
        shared = readVarint(bytes, at, restartsStart)
        unshared = readVarint(bytes, varintEnd, restartsStart)
        at = varintEnd
      }
      let tag = 0
      if (entry < i) {
        while (bytes[at++]! >= 0x80);
      } else {
        tag = readVarint(bytes, at, restartsStart)
        at = varintEnd
      }
      let valueLength = bytes[at]!
      if (valueLength < 0x80) {
        at++
      } else {
        valueLength = readVarint(bytes, at, restartsStart)
        at = varintEnd
      }
      const tail = at
      const valueStart = tail + unshared
      const valueEnd = valueStart + valueLength
      if (
        !(shared >= 0 && unshared >= 0 && tag >= 0 && valueLength >= 0 && valueEnd <= restartsStart && shared <= length)
      ) {
        return Lookup.malformed
      }
      length = shared + unshared
      if (common >= shared) {
        common = shared
        while (common < length && common < targetLength && bytes[tail + common - shared] === target[common]) common++
      }
      if (entry >= i) {
        if (common !== targetLength || length !== targetLength) break
        const version = Math.floor(tag / 8)
        if (version <= sequence) {
          found.kind = tag % 8
          found.sequence = version
          found.bytes = bytes
          found.start = valueStart
          found.end = valueEnd
          return Lookup.found
        }
        if (entry + 1 >= count) return Lookup.absent
        i = entry + 1
        if (bytes[fingerprintsStart + i] !== fingerprint) return Lookup.absent
      }
      at = valueEnd
    }
  }
  return Lookup.absent
}

/** The second hash of a key, for callers that have not hashed it. */
export const secondHashOf = (bytes: Uint8Array, start: number, end: number): number => {
  hash(bytes, start, end)
  return secondHash
}
