import { readU32, readU48, writeU32, writeU48 } from "../bytes/encoding.js"

/**
 * A table holds a handle instead of a value that lies in another file.
 *
 * ```
 *  0               6          12         16      20
 * +---------------+----------+----------+-------+
 * | file number 6 | offset 6 | length 4 | crc 4 |
 * +---------------+----------+----------+-------+
 * ```
 *
 * The checksum is that of the value, seeded with its place (see `placeSeed`). The block that holds
 * the handle has a checksum too. So a value needs no frame of its own: it is bytes at a place, and
 * any file of the store may hold it.
 */
export const valueHandleSize = 20

export const writeValueHandle = (
  bytes: Uint8Array,
  fileNumber: number,
  offset: number,
  length: number,
  crc: number
): void => {
  writeU48(bytes, 0, fileNumber)
  writeU48(bytes, 6, offset)
  writeU32(bytes, 12, length)
  writeU32(bytes, 16, crc)
}

/** The number of the file that holds the value. `at` is where the handle begins. */
export const handleFile = (bytes: Uint8Array, at: number): number => readU48(bytes, at)
export const handleOffset = (bytes: Uint8Array, at: number): number => readU48(bytes, at + 6)
/** The length of the value. */
export const handleLength = (bytes: Uint8Array, at: number): number => readU32(bytes, at + 12)
export const handleChecksum = (bytes: Uint8Array, at: number): number => readU32(bytes, at + 16)
