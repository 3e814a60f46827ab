import { checksum } from "./checksum.js"

/** The polynomial of CRC-32 with its bits reversed. */
const polynomial = 0xedb88320
/** 1 in the representation of the remainders below: the highest bit is the coefficient of x^0. */
const one = 0x80000000
/** Bytes between two positions whose prefix checksum is kept. */
const step = 4096

/** The product of two remainders modulo the polynomial. */
const multiply = (a: number, b: number): number => {
  let product = 0
  for (let bit = one, factor = b; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor
    factor = (factor & 1) !== 0 ? (factor >>> 1) ^ polynomial : factor >>> 1
  }
  return product >>> 0
}

/** x^(8 · 2^i) modulo the polynomial. */
const powers: ReadonlyArray<number> = (() => {
  const list = [0x00800000]
  for (let i = 1; i < 48; i++) list.push(multiply(list[i - 1]!, list[i - 1]!))
  return list
})()

/** Advances a checksum past this many bytes. */
const shift = (crc: number, bytes: number): number => {
  let shifted = crc
  for (let i = 0, left = bytes; left > 0; i++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) shifted = multiply(powers[i]!, shifted)
  }
  return shifted
}

/**
 * Checksums of any ranges of the same bytes, each in about the same time, whatever its length.
 * CRC-32 is linear, so the checksum of a range follows from the checksums of the two prefixes that
 * end where the range starts and ends. This is the inverse of zlib's `crc32_combine`.
 */
export class RangeChecksum {
  private readonly beginnings: Uint32Array
  /** How many of the prefix checksums are computed. */
  private known = 1

  constructor(private readonly bytes: Uint8Array) {
    this.beginnings = new Uint32Array(Math.floor(bytes.length / step) + 1)
  }

  /** The same as `checksum(bytes, start, end, seed)`. */
  of(start: number, end: number, seed: number): number {
    const length = end - start
    if (length <= step) return checksum(this.bytes, start, end, seed)
    const range = this.upTo(end) ^ shift(this.upTo(start), length)
    return (range ^ shift(seed, length)) >>> 0
  }

  private upTo(end: number): number {
    const index = Math.floor(end / step)
    for (; this.known <= index; this.known++) {
      const from = (this.known - 1) * step
      this.beginnings[this.known] = checksum(this.bytes, from, from + step, this.beginnings[this.known - 1]!)
    }
    return checksum(this.bytes, index * step, end, this.beginnings[index]!)
  }
}
