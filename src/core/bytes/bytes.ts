import { Buffer } from "node:buffer"
import { markAsUntransferable } from "node:worker_threads"

/** Unsigned bytewise order of `a[aStart, aEnd)` against `b[bStart, bEnd)`. */
export const compareRange = (
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number
): number => {
  const aLength = aEnd - aStart
  const bLength = bEnd - bStart
  const length = aLength < bLength ? aLength : bLength
  for (let i = 0; i < length; i++) {
    const x = a[aStart + i]!
    const y = b[bStart + i]!
    if (x !== y) return x - y
  }
  return aLength - bLength
}

export const compare = (a: Uint8Array, b: Uint8Array): number => compareRange(a, 0, a.length, b, 0, b.length)

/**
 * Whether two ranges hold the same bytes. Compares from the end, because neighbouring keys share a
 * prefix.
 */
export const equalRange = (
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number
): boolean => {
  const length = aEnd - aStart
  if (length !== bEnd - bStart) return false
  for (let i = length - 1; i >= 0; i--) if (a[aStart + i] !== b[bStart + i]) return false
  return true
}

export const equals = (a: Uint8Array, b: Uint8Array): boolean => equalRange(a, 0, a.length, b, 0, b.length)

/** The first four bytes of a key as a big-endian number, short keys padded with zeros. */
export const prefixWord = (bytes: Uint8Array, start: number, end: number): number => {
  if (start + 4 <= end) {
    return ((bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!) >>> 0
  }
  let word = 0
  for (let i = 0; i < 4; i++) word = (word << 8) | (start + i < end ? bytes[start + i]! : 0)
  return word >>> 0
}

/** The smallest key above every key that begins with `prefix`; undefined if there is none. */
export const prefixEnd = (prefix: Uint8Array): Uint8Array | undefined => {
  let end = prefix.length
  while (end > 0 && prefix[end - 1] === 0xff) end--
  if (end === 0) return undefined
  const successor = prefix.slice(0, end)
  successor[end - 1]!++
  return successor
}

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/**
 * Returned for a string with a lone surrogate, which has no UTF-8 encoding. `TextEncoder` would
 * replace each by U+FFFD and encode different strings as the same bytes.
 */
export const illFormed = -1

/** The bytes of a string; undefined if it is ill-formed. */
export const encodeUtf8 = (text: string): Uint8Array | undefined =>
  text.isWellFormed() ? encoder.encode(text) : undefined
export const decodeUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes)

/**
 * Encodes `text` into `target` from `offset`. Returns the number of bytes written, or `illFormed`.
 * The target must have room for 3 bytes per code unit.
 */
export const encodeUtf8Into = (text: string, target: Uint8Array, offset: number): number => {
  const length = text.length
  if (length > longestLoop) {
    if (!text.isWellFormed()) return illFormed
    return encoder.encodeInto(text, offset === 0 ? target : target.subarray(offset)).written
  }
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit >= 0x80) {
      const rest = text.slice(i)
      return rest.isWellFormed() ? i + encoder.encodeInto(rest, target.subarray(offset + i)).written : illFormed
    }
    target[offset + i] = unit
  }
  return length
}

/** A loop encodes shorter strings faster than a call does. */
const longestLoop = 32

/** Whether a string has only ASCII characters. False for longer ones, which are not looked at. */
export const isShortAscii = (text: string): boolean => {
  const { length } = text
  if (length > longestLoop * 4) return false
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) >= 0x80) return false
  return true
}

/** Longer strings are encoded into memory of their own, so that a scratch stays small. */
const longestScratched = 16 * 1024

/** Memory for the bytes of one string after another: `encodeUtf8` takes several times as long to make it. */
export class Utf8Scratch {
  private bytes = new Uint8Array(256)

  /** The bytes of a string, good until the next call; undefined if it is ill-formed. */
  encode(text: string): Uint8Array | undefined {
    const most = text.length * 3
    if (text.length > longestScratched) return encodeUtf8(text)
    if (most > this.bytes.length) this.bytes = new Uint8Array(most * 2)
    const length = encodeUtf8Into(text, this.bytes, 0)
    return length === illFormed ? undefined : this.bytes.subarray(0, length)
  }
}

/** A DataView of the same bytes. V8 compiles each read or write of a word to one instruction. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * Marks a buffer that several owners share as untransferable, as Node marks its own Buffer pool.
 * Transferring one part would detach all of them. Node 20 copies marked memory instead of
 * transferring it; later releases refuse.
 */
export const shared = <A extends ArrayBufferLike>(buffer: A): A => {
  markAsUntransferable(buffer)
  return buffer
}

const slabSize = 16 * 1024
let slab = new Uint8Array(shared(new ArrayBuffer(slabSize)))
let slabUsed = 0

/** A separate function, because V8 inlines `copyRange` only while it is small. */
const nextSlab = (): void => {
  slab = new Uint8Array(shared(new ArrayBuffer(slabSize)))
  slabUsed = 0
}

/** Memory that is not filled with zeros, and whose buffer nothing else uses. */
const withoutContent = (length: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)

const largeSlabSize = 64 * 1024
let largeSlab: Uint8Array = new Uint8Array(0)
let largeSlabUsed = 0

/**
 * Memory for a value, with any content. Values of up to 4 KiB share slabs of 64 KiB: an ArrayBuffer
 * for each takes longer than the copy. Larger ones own their buffer.
 */
export const valueMemory = (length: number): Uint8Array => {
  if (length > largeSlabSize >>> 4) return withoutContent(length)
  if (largeSlabUsed + length > largeSlab.length) {
    largeSlab = withoutContent(largeSlabSize)
    shared(largeSlab.buffer)
    largeSlabUsed = 0
  }
  const memory = new Uint8Array(largeSlab.buffer, largeSlabUsed, length)
  largeSlabUsed += length
  return memory
}

/**
 * A copy of `source[start, end)`. Copies of up to 2 KiB share slabs of 16 KiB, as in Node's own
 * Buffer pool: an ArrayBuffer for each would cost ten times the copy. Larger copies are in
 * `valueMemory`.
 */
export const copyRange = (source: Uint8Array, start: number, end: number): Uint8Array => {
  const length = end - start
  if (length > slabSize >>> 3) {
    const own = valueMemory(length)
    own.set(new Uint8Array(source.buffer, source.byteOffset + start, length))
    return own
  }
  // On Node 22 `ArrayBuffer.prototype.transfer` detaches marked buffers too. The slab's length is
  // then 0.
  if (slabUsed + length >= slab.length) nextSlab()
  const copy = new Uint8Array(slab.buffer, slabUsed, length)
  slabUsed += length
  copyInto(source, start, end, copy, 0)
  return copy
}

/**
 * Copies `source[start, end)` to `target` at `at`. Short ranges are copied by a loop, because a
 * call of `set` would take longer.
 */
export const copyInto = (source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void => {
  const length = end - start
  if (length <= 32) {
    for (let i = 0; i < length; i++) target[at + i] = source[start + i]!
  } else if (length === source.length) {
    target.set(source, at)
  } else {
    target.set(new Uint8Array(source.buffer, source.byteOffset + start, length), at)
  }
}
