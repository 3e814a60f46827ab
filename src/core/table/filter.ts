import { readU32 } from "../bytes/encoding.js"
import type { LookupKey } from "../bytes/lookupKey.js"

/**
 * The Bloom filter of a table of version 1, over all its keys.
 *
 * ```
 * +--------+----------+---------+
 * | bits 4 | hashes 4 | bit set |
 * +--------+----------+---------+
 * ```
 *
 * Bit `i` is bit `i % 8` of byte `floor(i / 8)`, counted from the lowest. Enhanced double hashing
 * (Dillinger and Manolios, 2004) derives the indexes from the two hashes of a key.
 */
export class TableFilter {
  private constructor(
    private readonly size: number,
    private readonly hashCount: number,
    private readonly bits: Uint8Array
  ) {}

  /** Returns undefined if the bytes are malformed. */
  static decode(bytes: Uint8Array): TableFilter | undefined {
    if (bytes.length < filterHeaderSize) return undefined
    const size = readU32(bytes, 0)
    const hashes = readU32(bytes, 4)
    if (size < 1 || hashes < 1 || hashes > 64 || bytes.length - filterHeaderSize !== Math.ceil(size / 8))
      return undefined
    return new TableFilter(size, hashes, bytes.subarray(filterHeaderSize))
  }

  /** Returns false if the key is certainly not in the table. */
  has(key: LookupKey): boolean {
    const { bits, size, hashCount } = this
    let a = key.hash1
    let b = key.hash2
    for (let i = 0; i < hashCount; i++) {
      const index = a % size
      if ((bits[index >>> 3]! & (1 << (index & 7))) === 0) return false
      a = (a + b) >>> 0
      b = (b + i + 1) >>> 0
    }
    return true
  }

  get byteLength(): number {
    return filterHeaderSize + this.bits.length
  }
}

const filterHeaderSize = 8
