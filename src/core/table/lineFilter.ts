import type { LookupKey } from "../bytes/lookupKey.js"

/**
 * A Bloom filter in lines of 64 bytes. The first hash of a key chooses a line, and all bits of the
 * key are in that line, so a check touches one cache line. `FilterBuilder` builds one with the
 * package `bloom-filters`. Checking one does not need the package.
 *
 * Source: F. Putze, P. Sanders and J. Singler, "Cache-, Hash- and Space-Efficient Bloom Filters",
 * WEA 2007. The second hash is multiplied by the golden ratio for each bit, and its top nine bits
 * are the place of the bit in the line, as in RocksDB's filters.
 *
 * Bit `i` of a line is bit `i % 8` of byte `floor(i / 8)`, counted from the lowest.
 */
export const lineBytes = 64
export const lineBits = lineBytes * 8
export const goldenRatio = 0x9e3779b9

/** The line of a key among `lines`, of which there are less than 2^21. */
export const lineOf = (hash1: number, lines: number): number => Math.floor((hash1 * lines) / 2 ** 32)

/** Returns false if the key is certainly not among the keys of the filter `bytes[start, ...)`. */
export const hasInLines = (
  bytes: Uint8Array,
  start: number,
  lines: number,
  hashCount: number,
  key: LookupKey
): boolean => {
  const line = start + lineOf(key.hash1, lines) * lineBytes
  let h = key.hash2 | 0
  for (let i = 0; i < hashCount; i++) {
    const bit = h >>> 23
    if ((bytes[line + (bit >>> 3)]! & (1 << (bit & 7))) === 0) return false
    h = Math.imul(h, goldenRatio)
  }
  return true
}
