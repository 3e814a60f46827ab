import { checksum, placeSeed } from "../../src/core/bytes/checksum.js"
import { readU32, readU48, writeU32, writeU48 } from "../../src/core/bytes/encoding.js"
import { frameHeaderSize } from "../../src/core/log/frame.js"
import { fileHeaderSize, saltOf, storeIdAt } from "../../src/core/storage/fileHeader.js"
import { PartitionView } from "../../src/core/table/partition.js"
import { footerSize, sectionTrailerSize } from "../../src/core/table/tableFormat.js"
import { TableIndex } from "../../src/core/table/tableIndex.js"
import { storeId } from "./seeds.js"

const salt = saltOf(storeId)

export const resealHeader = (bytes: Uint8Array): void => {
  if (bytes.length >= fileHeaderSize) writeU32(bytes, 28, checksum(bytes, 0, 28, 0))
}

/** Makes frame checksums valid, up to the first frame whose length exceeds the file. */
export const resealFrames = (bytes: Uint8Array, fileNumber: number): void => {
  resealHeader(bytes)
  for (let at = fileHeaderSize; at + frameHeaderSize <= bytes.length; ) {
    const end = at + frameHeaderSize + readU32(bytes, at + 4)
    if (end > bytes.length) return
    writeU32(bytes, at, checksum(bytes, at + 4, end, placeSeed(salt, fileNumber, at)))
    at = end
  }
}

export const resealFooter = (bytes: Uint8Array, offset: number): void => {
  if (bytes.length === footerSize) writeU32(bytes, 44, checksum(bytes, 0, 44, placeSeed(salt, 7, offset)))
}

const resealSection = (bytes: Uint8Array, offset: number, length: number): void => {
  const end = offset + length
  if (end + sectionTrailerSize > bytes.length) return
  writeU32(bytes, end + 1, checksum(bytes, offset, end + 1, placeSeed(salt, 7, offset)))
}

/** Calls `use` with the place of each section that an index block names. */
const eachHandle = (block: Uint8Array, limit: number, use: (offset: number, length: number) => void): void => {
  try {
    const index = new TableIndex(block, limit, () => {
      throw new Error("malformed")
    })
    for (let i = 0; i < index.count; i++) use(index.offsetOf(i), index.lengthOf(i))
  } catch {
    // A malformed index names no sections.
  }
}

const resealPartition = (bytes: Uint8Array, offset: number, length: number): void => {
  resealSection(bytes, offset, length)
  const view = new PartitionView()
  if (!view.open(bytes, offset, Math.min(offset + length, bytes.length)) || !view.isValid(bytes.length)) return
  for (let i = 0; i < view.count; i++) {
    const start = view.blockStart(i)
    resealSection(bytes, start, view.blockEnd(i) - sectionTrailerSize - start)
  }
}

/**
 * Makes valid the checksums of all sections that the footer names, and of all partitions and blocks
 * that these name.
 */
export const resealTable = (bytes: Uint8Array): void => {
  resealHeader(bytes)
  const footerAt = bytes.length - footerSize
  if (footerAt < fileHeaderSize) return
  resealFooter(bytes.subarray(footerAt), footerAt)
  const isFirstVersion = readU32(bytes, 8) === 1
  for (const at of isFirstVersion ? [0, 10, 20] : [10, 20]) {
    const [offset, length] = [readU48(bytes, footerAt + at), readU32(bytes, footerAt + at + 6)]
    resealSection(bytes, offset, length)
    if (at !== 10 || offset + length > footerAt) continue
    // The properties hold the file's size. A wrong size would end the decoding there.
    const properties = readU48(bytes, footerAt + 20)
    if (properties + 12 < footerAt) {
      writeU32(bytes, properties + 6, bytes.length)
      bytes[properties + 10] = 0
      bytes[properties + 11] = 0
    }
    eachHandle(bytes.slice(offset, offset + length), footerAt, (start, size) =>
      isFirstVersion ? resealSection(bytes, start, size) : resealPartition(bytes, start, size)
    )
  }
}

/** Makes a table of another store file 7 of the store of the seeds. */
export const adoptTable = (bytes: Uint8Array): void => {
  writeU48(bytes, 12, 7)
  bytes.set(storeId, storeIdAt)
  const footerAt = bytes.length - footerSize
  writeU48(bytes, footerAt + 34, 7)
  writeU48(bytes, readU48(bytes, footerAt + 20), 7)
  resealTable(bytes)
}
