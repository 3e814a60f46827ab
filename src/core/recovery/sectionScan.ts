import { placeSeed } from "../bytes/checksum.js"
import { readU32 } from "../bytes/encoding.js"
import { readExactly, type StorageFile } from "../storage/storageDriver.js"
import { type Handle, sectionTrailerSize } from "../table/tableFormat.js"

/** Bytes scanned between two yields. */
const slice = 256 * 1024

/**
 * Finds the end of the section that begins at `start`, when its length is not known. At each
 * position, compares the checksum of the bytes so far with the four bytes that follow. Four bytes
 * may match by chance, so `accepts` makes the final decision. Returns undefined if no end before
 * `limit` is accepted.
 */
export function* findSectionEnd(
  file: StorageFile,
  start: number,
  limit: number,
  salt: number,
  fileNumber: number,
  accepts: (handle: Handle) => boolean
): Generator<void, Handle | undefined> {
  let crc = ~placeSeed(salt, fileNumber, start)
  for (let position = start; position + sectionTrailerSize <= limit; position += slice) {
    const bytes = readExactly(file, position, Math.min(slice + 4, limit - position))
    for (let i = 0; i < slice && i + sectionTrailerSize <= bytes.length; i++) {
      crc = crcTable[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
      if (~crc >>> 0 !== readU32(bytes, i + 1)) continue
      const handle = { offset: start, length: position + i - start }
      if (accepts(handle)) return handle
    }
    yield
  }
  return undefined
}

/**
 * CRC-32, one byte at a time. The result is that of zlib's `crc32`, but a call to that for each
 * byte is too slow.
 */
const crcTable = Int32Array.from({ length: 256 }, (_, n) => {
  let crc = n
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})
