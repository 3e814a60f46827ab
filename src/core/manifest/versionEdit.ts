import { readU48, writeU48 } from "../bytes/encoding.js"
import type { ClosedSegment } from "../log/logSegment.js"
import { decodeTableMeta, encodeTableMeta, tableMetaEnd } from "../table/tableFormat.js"
import { levelCount, type TableChanges } from "./version.js"

/**
 * A change to the set of files that make up the store. One record of a manifest.
 *
 * ```
 * +-------+---------+-------+---------+ ...      tag 1:
 * | tag 1 | field   | tag 1 | field   |            1  next file number 6
 * +-------+---------+-------+---------+            2  last flushed sequence number 6
 *                                                  3  segment added 6
 *                                                  4  segment removed 6
 *                                                  5  table added: level 1, meta
 *                                                  6  table removed: level 1, file number 6
 *                                                  7  log closed: segment 6, its size 6
 * ```
 */
export interface VersionEdit extends TableChanges {
  /** Every number below this one may be in use by a file. */
  readonly nextFileNumber: number
  /** Every write up to this sequence number is in a table. */
  readonly flushedSequence: number
  readonly addedSegments: ReadonlyArray<number>
  readonly removedSegments: ReadonlyArray<number>
  /** Set when the log was closed cleanly, with this as its last segment. */
  readonly closed?: ClosedSegment | undefined
}

const Tag = {
  nextFileNumber: 1,
  flushedSequence: 2,
  segmentAdded: 3,
  segmentRemoved: 4,
  tableAdded: 5,
  tableRemoved: 6,
  logClosed: 7
} as const

export const encodeVersionEdit = (edit: VersionEdit): Uint8Array => {
  const parts: Array<Uint8Array> = []
  const number = (tag: number, value: number): void => {
    const part = new Uint8Array(7)
    part[0] = tag
    writeU48(part, 1, value)
    parts.push(part)
  }
  number(Tag.nextFileNumber, edit.nextFileNumber)
  number(Tag.flushedSequence, edit.flushedSequence)
  for (const segment of edit.addedSegments) number(Tag.segmentAdded, segment)
  for (const segment of edit.removedSegments) number(Tag.segmentRemoved, segment)
  for (const { level, table } of edit.added) parts.push(Uint8Array.of(Tag.tableAdded, level), encodeTableMeta(table))
  for (const { level, fileNumber } of edit.removed) {
    const part = new Uint8Array(8)
    part[0] = Tag.tableRemoved
    part[1] = level
    writeU48(part, 2, fileNumber)
    parts.push(part)
  }
  if (edit.closed !== undefined) {
    const part = new Uint8Array(13)
    part[0] = Tag.logClosed
    writeU48(part, 1, edit.closed.fileNumber)
    writeU48(part, 7, edit.closed.size)
    parts.push(part)
  }
  const bytes = new Uint8Array(parts.reduce((n, part) => n + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Returns undefined if the bytes are malformed. */
export const decodeVersionEdit = (bytes: Uint8Array, start: number, end: number): VersionEdit | undefined => {
  let nextFileNumber = 0
  let flushedSequence = 0
  const addedSegments: Array<number> = []
  const removedSegments: Array<number> = []
  const added: Array<VersionEdit["added"][number]> = []
  const removed: Array<VersionEdit["removed"][number]> = []
  let closed: ClosedSegment | undefined
  let at = start
  while (at < end) {
    const tag = bytes[at++]!
    if (tag === Tag.tableAdded) {
      const level = bytes[at++]
      const table = at <= end ? decodeTableMeta(bytes, at, end) : undefined
      if (table === undefined || level === undefined || level >= levelCount) return undefined
      added.push({ level, table })
      at = tableMetaEnd
      continue
    }
    if (tag === Tag.tableRemoved) {
      if (at + 7 > end || bytes[at]! >= levelCount) return undefined
      removed.push({ level: bytes[at]!, fileNumber: readU48(bytes, at + 1) })
      at += 7
      continue
    }
    if (tag === Tag.logClosed) {
      if (at + 12 > end) return undefined
      closed = { fileNumber: readU48(bytes, at), size: readU48(bytes, at + 6) }
      at += 12
      continue
    }
    if (at + 6 > end) return undefined
    const value = readU48(bytes, at)
    at += 6
    if (tag === Tag.nextFileNumber) nextFileNumber = value
    else if (tag === Tag.flushedSequence) flushedSequence = value
    else if (tag === Tag.segmentAdded) addedSegments.push(value)
    else if (tag === Tag.segmentRemoved) removedSegments.push(value)
    else return undefined
  }
  return { nextFileNumber, flushedSequence, addedSegments, removedSegments, added, removed, closed }
}
