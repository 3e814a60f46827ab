import { readU16, readU32 } from "../bytes/encoding.js"
import { fileHeaderSize } from "../storage/fileHeader.js"
import { readInto, type StorageFile } from "../storage/storageDriver.js"
import { batchCount, batchHeaderSize, batchSequence } from "./batchFormat.js"
import { FrameType, frameHeaderSize } from "./frame.js"

/** Bytes read at a time: about a millisecond of work. */
const window = 2 * 1024 * 1024
const headers = frameHeaderSize + batchHeaderSize

/**
 * Returns the sequence number of the last record among the first `most` bytes of a segment, or 0 if
 * there is none. The bytes must be whole, sound frames. It reads only the headers of frames, and
 * yields after each piece of the file.
 *
 * @throws StorageFailure
 */
export function* lastSequence(file: StorageFile, most: number): Generator<void, number> {
  const size = Math.min(most, file.size())
  const buffer = new Uint8Array(Math.min(window, size))
  let last = 0
  let at = fileHeaderSize
  while (at + frameHeaderSize <= size) {
    const from = at
    const read = readInto(file, from, Math.min(buffer.length, size - from), buffer)
    if (read < frameHeaderSize) return last
    while (at - from + headers <= read || (at - from + frameHeaderSize <= read && from + read >= size)) {
      const place = at - from
      const length = readU32(buffer, place + 4)
      const type = readU16(buffer, place + 14)
      // Zeros: room that the log has not used yet.
      if (type === 0) return last
      if (type === FrameType.record && length >= batchHeaderSize) {
        const payload = place + frameHeaderSize
        last = batchSequence(buffer, payload) + batchCount(buffer, payload) - 1
      }
      at += frameHeaderSize + length
    }
    if (at === from) return last
    yield
  }
  return last
}
