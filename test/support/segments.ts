import { CommitMode, LogWriter } from "../../src/core/log/logWriter.js"
import { encodeFileHeader, fileHeaderSize, saltOf } from "../../src/core/storage/fileHeader.js"
import { encodeBatch } from "./batches.js"
import type { TestEntry } from "./entries.js"
import { FakeFile } from "./fakeFile.js"

/** A number of the segments below. */
export const segmentNumber = 7

/**
 * The bytes of a complete segment that holds the entries in records of `recordSize` operations, as a
 * rotated segment of the log writer.
 */
export const segmentOf = (
  entries: ReadonlyArray<TestEntry>,
  storeId: Uint8Array,
  recordSize = 1,
  isBuffered = true
): Uint8Array => {
  const file = new FakeFile(`${segmentNumber}.log`)
  const ignore = () => undefined
  file.append(encodeFileHeader({ kind: "log", fileNumber: segmentNumber, storeId }), 0, fileHeaderSize)
  const segment = { fileNumber: segmentNumber, file }
  const hooks = { apply: ignore, settled: ignore, synced: ignore, failed: ignore }
  const writer = new LogWriter(segment, saltOf(storeId), hooks)
  writer.begin(segment, { fileNumber: 0, size: 0, synced: true })
  for (let from = 0; from < entries.length; from += recordSize) {
    const batch = encodeBatch(entries.slice(from, from + recordSize), entries[from]!.sequence)
    const at = writer.reserve(batch.length)
    writer.buffer.set(batch, at)
    // Interval records are written when the segment is rotated.
    writer.commitNow(isBuffered ? CommitMode.buffered : CommitMode.interval)
  }
  writer.rotate({ fileNumber: segmentNumber + 1, file: new FakeFile("next.log") })
  return file.bytes.slice(0, file.size())
}
