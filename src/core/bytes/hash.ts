/**
 * Two independent 32-bit hashes of a key in one pass over its bytes: MurmurHash3's 32-bit round
 * (A. Appleby, public domain) on two lanes with different multipliers. Filters built from one hash
 * split in two have too many false positives (see docs/decisions/0009-two-hashes-for-filters.md).
 *
 * The hashes are part of the format of table filters. They have no secret, so an attacker can
 * choose keys that collide. A collision in a filter costs one block read; a memtable detects
 * collisions and changes to a keyed hash.
 *
 * `hash` returns the first hash and stores the second in `secondHash`.
 */
export let secondHash = 0

export const hash = (bytes: Uint8Array, start: number, end: number): number => {
  const length = end - start
  let a = length ^ 0x2f0b4c47
  let b = length ^ 0x5bd1e995
  let i = start
  for (const last = end - 3; i < last; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    let k = Math.imul(word, 0xcc9e2d51)
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
    a ^= k
    a = (Math.imul((a << 13) | (a >>> 19), 5) + 0xe6546b64) | 0
    let l = Math.imul(word, 0x239b961b)
    l = Math.imul((l << 16) | (l >>> 16), 0xab0e9789 | 0)
    b ^= l
    b = (Math.imul((b << 17) | (b >>> 15), 5) + 0x561ccd1b) | 0
  }
  if (i < end) {
    let word = 0
    for (let shift = 0; i < end; i++, shift += 8) word |= bytes[i]! << shift
    let k = Math.imul(word, 0xcc9e2d51)
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
    a ^= k
    let l = Math.imul(word, 0x239b961b)
    l = Math.imul((l << 16) | (l >>> 16), 0xab0e9789 | 0)
    b ^= l
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b)
  a = Math.imul(a ^ (a >>> 13), 0xc2b2ae35)
  b = Math.imul(b ^ (b >>> 16), 0x9e3779b1)
  b = Math.imul(b ^ (b >>> 15), 0x2c1b3c6d)
  secondHash = (b ^ (b >>> 16)) >>> 0
  return (a ^ (a >>> 16)) >>> 0
}
