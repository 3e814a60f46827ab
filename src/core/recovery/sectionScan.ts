import { placeSeed } from "../bytes/checksum.js"
import { readU32 } from "../bytes/encoding.js"
import { readExactly, type StorageFile } from "../storage/storageDriver.js"
import { type Handle, sectionTrailerSize } from "../table/tableFormat.js"

/** Bytes looked at between two yields. */
const slice = 256 * 1024

/**
 * Finds where the section that begins at `start` ends, when nothing tells it: at each byte in turn the checksum of all
 * before it is compared with the four bytes behind it. `accepts` has the last word, for four bytes may agree by chance.
 * Undefined when no end before `limit` is accepted.
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

/** CRC-32 byte by byte: the same as zlib's, whose function cannot be asked at every byte at a bearable price. */
const crcTable = Int32Array.from({ length: 256 }, (_, n) => {
  let crc = n
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})
