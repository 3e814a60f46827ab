/**
 * A hash under a secret key, one per process, so that colliding keys cannot be chosen:
 * HalfSipHash-1-3 (J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012),
 * which Linux uses for its hash tables on 32-bit machines. It takes three to four times as long as
 * `hash`. The key decides only where entries are in memory.
 */
export const keyedHash = (bytes: Uint8Array, start: number, end: number): number => {
  key ??= crypto.getRandomValues(new Int32Array(2))
  return halfSipHash(bytes, start, end, key[0]!, key[1]!)
}

/** Drawn at random on first use. */
let key: Int32Array | undefined

export const halfSipHash = (bytes: Uint8Array, start: number, end: number, key0: number, key1: number): number => {
  const length = end - start
  const words = length >>> 2
  let v0 = key0
  let v1 = key1
  let v2 = key0 ^ 0x6c796765
  let v3 = key1 ^ 0x74656462
  // The words, then the remaining bytes with the length, then three more rounds.
  for (let i = 0; i < words + 4; i++) {
    let word = 0
    if (i < words) {
      const at = start + i * 4
      word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    } else if (i === words) {
      word = length << 24
      for (let at = start + words * 4, shift = 0; at < end; at++, shift += 8) word |= bytes[at]! << shift
    } else if (i === words + 1) {
      v2 ^= 0xff
    }
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return (v1 ^ v3) >>> 0
}
