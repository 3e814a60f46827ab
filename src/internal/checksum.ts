import { crc32 } from "node:zlib"

/**
 * CRC-32 over `bytes[start, end)`, started from `seed`. Two equal contents under different seeds never
 * agree, since a CRC is a bijection of its start value: that is how a checksum also covers a place.
 */
export const checksum = (bytes: Uint8Array, start: number, end: number, seed: number): number =>
  crc32(
    start === 0 && end === bytes.length ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start),
    seed
  )

/** The seed for a piece at `offset` of file `fileNumber` in the store with this salt. */
export const placeSeed = (salt: number, fileNumber: number, offset: number): number => {
  let h = salt ^ Math.imul(fileNumber % 2 ** 32, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h ^= Math.imul(offset % 2 ** 32, 0xc2b2ae35) ^ Math.imul(Math.floor(offset / 2 ** 32), 0x27d4eb2f)
  return (h ^ (h >>> 13)) >>> 0
}
