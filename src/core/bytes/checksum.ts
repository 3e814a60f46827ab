import { crc32 } from "node:zlib"
import { viewOf } from "./bytes.js"

/** Up to this many bytes, the loop below is faster than creating a view and calling zlib. */
const shortRange = 256

/**
 * Tables for zlib's polynomial that process eight bytes at a time ("slicing by 8", M. E. Kounavis
 * and F. L. Berry, 2005).
 */
const tables = new Int32Array(8 * 256)
for (let i = 0; i < 256; i++) {
  let crc = i
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  tables[i] = crc
}
for (let i = 256; i < tables.length; i++) tables[i] = (tables[i - 256]! >>> 8) ^ tables[tables[i - 256]! & 255]!

const shortChecksum = (view: DataView, start: number, end: number, seed: number): number => {
  let crc = ~seed
  let i = start
  for (const last = end - 7; i < last; i += 8) {
    const low = crc ^ view.getInt32(i, true)
    const high = view.getInt32(i + 4, true)
    crc =
      tables[1792 + (low & 255)]! ^
      tables[1536 + ((low >>> 8) & 255)]! ^
      tables[1280 + ((low >>> 16) & 255)]! ^
      tables[1024 + (low >>> 24)]! ^
      tables[768 + (high & 255)]! ^
      tables[512 + ((high >>> 8) & 255)]! ^
      tables[256 + ((high >>> 16) & 255)]! ^
      tables[high >>> 24]!
  }
  for (; i < end; i++) crc = tables[(crc ^ view.getUint8(i)) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/**
 * CRC-32 over `bytes[start, end)`, starting from `seed`. A CRC is a bijection of its start value,
 * so equal contents under different seeds never have the same checksum. Seeds from `placeSeed` make
 * a checksum cover the place of a piece too.
 */
export const checksum = (bytes: Uint8Array, start: number, end: number, seed: number): number =>
  end - start <= shortRange
    ? shortChecksum(viewOf(bytes), start, end, seed)
    : crc32(
        start === 0 && end === bytes.length
          ? bytes
          : new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start),
        seed
      )

/**
 * The same for callers that already have a view. Creating a view takes as long as checksumming 50
 * bytes.
 */
export const viewChecksum = (view: DataView, start: number, end: number, seed: number): number =>
  end - start <= shortRange
    ? shortChecksum(view, start, end, seed)
    : crc32(new Uint8Array(view.buffer, view.byteOffset + start, end - start), seed)

/** The seed for a piece at `offset` of file `fileNumber` in the store with this salt. */
export const placeSeed = (salt: number, fileNumber: number, offset: number): number => {
  // Math.imul uses only the low 32 bits of each number.
  let h = salt ^ Math.imul(fileNumber, 0x9e3779b1)
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b)
  h ^= Math.imul(offset, 0xc2b2ae35) ^ Math.imul(Math.floor(offset / 2 ** 32), 0x27d4eb2f)
  return (h ^ (h >>> 13)) >>> 0
}
