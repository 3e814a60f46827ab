/** The polynomial of CRC-32 with its bits reversed. */
const polynomial = 0xedb88320
/** 1 in the representation of the remainders below: the highest bit is the coefficient of x^0. */
const one = 0x80000000

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

/** x^(8 · bytes) modulo the polynomial. */
const powerOf = (bytes: number): number => {
  let power = one
  for (let i = 0, left = bytes; left > 0; i++, left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = power === one ? powers[i]! : multiply(powers[i]!, power)
  }
  return power
}

/** The last length and its power: values are often of one length. */
let lastBytes = 0
let lastPower = one

/** Advances a checksum past this many bytes. */
export const shiftChecksum = (crc: number, bytes: number): number => {
  if (bytes !== lastBytes) {
    lastPower = powerOf(bytes)
    lastBytes = bytes
  }
  return multiply(lastPower, crc)
}

/**
 * The CRC-32 of two pieces, one after the other. `first` is the checksum of the first piece. `second`
 * is that of the second one, of `bytes` bytes, which began with `seed`. CRC-32 is linear; with a seed
 * of 0 this is zlib's `crc32_combine`.
 */
export const joinChecksums = (first: number, seed: number, second: number, bytes: number): number =>
  (shiftChecksum(first ^ seed, bytes) ^ second) >>> 0
