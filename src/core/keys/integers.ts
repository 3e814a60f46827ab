import { code } from "./element.js"
import { KeyFailure } from "./keyFailure.js"
import type { KeyWriter } from "./keyWriter.js"

/** Integers of up to this many bytes have their length in the code. */
const shortest = 8
/** Integers of up to this many bytes have one byte of length, larger ones four. */
const byteLengths = 255

const limit = 1n << 64n

/**
 * Writes an integer as its length in bytes and the bytes of its magnitude, the highest first. Those
 * of a negative integer are inverted, so that the larger magnitude comes first.
 */
export const writeInteger = (writer: KeyWriter, value: bigint): void => {
  const isNegative = value < 0n
  const magnitude = isNegative ? -value : value
  if (magnitude >= limit) return writeBig(writer, magnitude, isNegative)
  const high = Number(magnitude >> 32n)
  const low = Number(magnitude & 0xffffffffn)
  const length = high === 0 ? 4 - (Math.clz32(low) >>> 3) : 8 - (Math.clz32(high) >>> 3)
  writer.byte(isNegative ? code.zero - length : code.zero + length)
  writer.magnitude(high, low, length, isNegative ? 0xff : 0)
}

const writeBig = (writer: KeyWriter, magnitude: bigint, isNegative: boolean): void => {
  const hex = magnitude.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex")
  const flip = isNegative ? 0xff : 0
  if (flip !== 0) for (let i = 0; i < bytes.length; i++) bytes[i]! ^= flip
  if (bytes.length <= byteLengths) {
    writer.byte(isNegative ? code.bigNegative : code.bigPositive)
    writer.magnitude(0, bytes.length, 1, flip)
  } else {
    writer.byte(isNegative ? code.hugeNegative : code.hugePositive)
    writer.magnitude(0, bytes.length, 4, flip)
  }
  writer.raw(bytes)
}

/** Where the integer that `readInteger` has read last ends. A module variable spares a result object. */
export let integerEnd = 0

/** Reads the integer whose code is at `at`. Throws `KeyFailure` unless it is written as above. */
export const readInteger = (bytes: Uint8Array, at: number, end: number): bigint => {
  const first = bytes[at]!
  const isNegative = first < code.zero
  const flip = isNegative ? 0xff : 0
  const lengthBytes = first < code.bigNegative || first > code.bigPositive ? 4 : 1
  const isShort = first > code.bigNegative && first < code.bigPositive
  let start = at + 1
  let length = Math.abs(first - code.zero)
  if (!isShort) {
    if (start + lengthBytes > end) throw new KeyFailure("the length of an integer is cut off", at)
    length = 0
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[start++]! ^ flip)
  }
  if (length > end - start) throw new KeyFailure("an integer is cut off", at)
  const isShortest = isShort || length > (lengthBytes === 1 ? shortest : byteLengths)
  if (!isShortest || (length > 0 && (bytes[start]! ^ flip) === 0)) {
    throw new KeyFailure("an integer is longer than it needs to be", at)
  }
  integerEnd = start + length
  const magnitude = isShort ? readShort(bytes, start, integerEnd, flip) : readBig(bytes, start, integerEnd, flip)
  return isNegative ? -magnitude : magnitude
}

const readShort = (bytes: Uint8Array, start: number, end: number, flip: number): bigint => {
  const middle = Math.max(start, end - 4)
  let high = 0
  let low = 0
  for (let i = start; i < middle; i++) high = high * 256 + (bytes[i]! ^ flip)
  for (let i = middle; i < end; i++) low = low * 256 + (bytes[i]! ^ flip)
  const value = high * 2 ** 32 + low
  return value <= Number.MAX_SAFE_INTEGER ? BigInt(value) : (BigInt(high) << 32n) | BigInt(low)
}

const readBig = (bytes: Uint8Array, start: number, end: number, flip: number): bigint => {
  const copy = Buffer.from(bytes.subarray(start, end))
  if (flip !== 0) for (let i = 0; i < copy.length; i++) copy[i]! ^= flip
  return BigInt(`0x${copy.toString("hex")}`)
}
