import { checksum } from "./checksum.js"
import { shiftChecksum } from "./joinedChecksum.js"

/** Bytes between two positions whose prefix checksum is kept. */
const step = 4096

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
    return (this.upTo(end) ^ shiftChecksum(this.upTo(start) ^ seed, length)) >>> 0
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
