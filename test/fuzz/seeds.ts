import { viewOf } from "../../src/core/bytes/bytes.js"
import { writeU48 } from "../../src/core/bytes/encoding.js"
import { EntryKind } from "../../src/core/cursor/entryKind.js"
import { expirySize } from "../../src/core/cursor/expiry.js"
import { FrameType, frameHeaderSize, sealFrame } from "../../src/core/log/frame.js"
import { encodeStart, type PreviousSegment, startPayloadSize } from "../../src/core/log/logSegment.js"
import { emptyState, ManifestWriter } from "../../src/core/manifest/manifestFile.js"
import type { VersionEdit } from "../../src/core/manifest/versionEdit.js"
import { encodeFileHeader, fileHeaderSize, saltOf } from "../../src/core/storage/fileHeader.js"
import type { TableMeta } from "../../src/core/table/tableFormat.js"
import { encodeBatch } from "../support/batches.js"
import type { TestEntry } from "../support/entries.js"
import { FakeFile } from "../support/fakeFile.js"
import { tableStoreId } from "../support/tables.js"

export const storeId = tableStoreId

export const entriesOf = (count: number): ReadonlyArray<TestEntry> =>
  Array.from({ length: count }, (_, i) => ({
    key: Uint8Array.from(Buffer.from(`key ${i % 40}`)),
    sequence: i + 1,
    value: i % 5 === 0 ? undefined : Uint8Array.from(Buffer.from("value ".repeat(i % 7)))
  }))

/** The same with deletions of ranges, the last without an end, and values that expire. */
export const entriesOfAllKinds = (count: number): ReadonlyArray<TestEntry> =>
  entriesOf(count).map((entry, i) => {
    if (i % 4 === 1) {
      const end = i + 4 < count ? Uint8Array.from(Buffer.from(`key ${(i % 40) + 7}`)) : new Uint8Array(0)
      return { ...entry, kind: EntryKind.rangeDeletion, value: end }
    }
    if (i % 4 !== 2 || entry.value === undefined) return entry
    const value = new Uint8Array(expirySize + entry.value.length)
    writeU48(value, 0, 1_700_000_000_000 + i)
    value.set(entry.value, expirySize)
    return { ...entry, kind: EntryKind.expiringValue, value }
  })

const frame = (payload: Uint8Array, type: number, synced: number, fileNumber: number, offset: number): Uint8Array => {
  const bytes = new Uint8Array(frameHeaderSize + payload.length)
  bytes.set(payload, frameHeaderSize)
  sealFrame(viewOf(bytes), 0, payload.length, type, synced, saltOf(storeId), fileNumber, offset)
  return bytes
}

/** A closed log segment with `records` records. */
export const segmentOf = (
  fileNumber: number,
  previous: PreviousSegment | undefined,
  records: number,
  entries = entriesOf
): Uint8Array => {
  const start = new Uint8Array(startPayloadSize)
  encodeStart(previous ?? { fileNumber: 0, size: 0, synced: true }, start, 0)
  const parts = [
    encodeFileHeader({ kind: "log", fileNumber, storeId }),
    frame(start, FrameType.start, 0, fileNumber, fileHeaderSize)
  ]
  const size = () => parts.reduce((n, { length }) => n + length, 0)
  for (let i = 0; i < records; i++) {
    parts.push(frame(encodeBatch(entries(1 + i * 2), 1 + i * i), FrameType.record, size(), fileNumber, size()))
  }
  parts.push(frame(new Uint8Array(0), FrameType.close, size(), fileNumber, size()))
  return Uint8Array.from(Buffer.concat(parts))
}

/** A manifest with edits. With `more`, it says when values expire, and that the history has changed. */
export const manifestOf = (table: TableMeta, more: Pick<VersionEdit, "time" | "history"> = {}): Uint8Array => {
  const file = new FakeFile("file")
  const none = { addedSegments: [], removedSegments: [], added: [], removed: [] }
  const writer = new ManifestWriter(file, 8, storeId, { ...emptyState, nextFileNumber: 5, segments: [2], ...more })
  writer.markSynced()
  writer.append({ ...none, nextFileNumber: 9, flushedSequence: 3, addedSegments: [7], added: [{ level: 0, table }] })
  writer.markSynced()
  const moved = { added: [{ level: 2, table }], removed: [{ level: 0, fileNumber: table.fileNumber }] }
  writer.append({
    ...none,
    ...moved,
    ...more,
    nextFileNumber: 9,
    flushedSequence: 3,
    closed: { fileNumber: 7, size: 99 }
  })
  return file.bytes
}
