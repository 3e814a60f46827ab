import { readU48, writeU48 } from "../bytes/encoding.js"
import type { ClosedSegment } from "../log/logSegment.js"
import type { RangeDeletion } from "../ranges/rangeDeletion.js"
import { manifestVersionWithAllKinds } from "../storage/fileHeader.js"
import {
  decodeTableMeta,
  encodeTableMeta,
  rangeEnd,
  rangeSize,
  readRange,
  readValueRef,
  tableMetaEnd,
  valueRefSize,
  writeRange,
  writeValueRef
} from "../table/tableFormat.js"
import type { ValueFile, ValueFileKind, ValueRef } from "../values/valueFile.js"
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
 *                                                  8  values of the last table added: file number 6,
 *                                                     entries 6, bytes 6
 *                                                  9  file with values added: kind 1, number 6, size 6
 *                                                 10  `cleared` of the last table added 6
 *                                                 11  a range deletion of the last table added:
 *                                                     sequence number 6, start length v, start,
 *                                                     end length v, end
 *                                                 12  entries of the last table added that expire:
 *                                                     their number 6, when the last one does 6
 *                                                 13  the time in milliseconds since 1970 6
 *                                                 14  the id of the history 6
 *                                                 15  the sequence number that it follows 6
 * ```
 *
 * Tags 8 and 9 came with format version 2, and tags 10 to 15 with version 3. A file with values is in use while a table has handles
 * to it, so nothing says when it is removed.
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
  /** The time, if entries expire. Readers never see an earlier one. */
  readonly time?: number | undefined
  readonly history?: History | undefined
}

/**
 * Says that sequence numbers after `since` may mean other writes than they did before: the store is a
 * copy, or lost writes to damage.
 */
export interface History {
  /** A random number. */
  readonly id: number
  readonly since: number
}

const Tag = {
  nextFileNumber: 1,
  flushedSequence: 2,
  segmentAdded: 3,
  segmentRemoved: 4,
  tableAdded: 5,
  tableRemoved: 6,
  logClosed: 7,
  tableValues: 8,
  valueFileAdded: 9,
  tableCleared: 10,
  tableRange: 11,
  tableExpiring: 12,
  time: 13,
  historyId: 14,
  historySince: 15
} as const

/** The bytes that stand for the kinds of files with values: those of their headers. */
const valueKinds: Record<ValueFileKind, number> = { values: 0x56, log: 0x4c }

/** Encodes an edit for a manifest of a format version. */
export const encodeVersionEdit = (edit: VersionEdit, version: number): Uint8Array => {
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
  for (const { kind, fileNumber, size } of edit.valueFiles ?? []) {
    const part = new Uint8Array(14)
    part[0] = Tag.valueFileAdded
    part[1] = valueKinds[kind]
    writeU48(part, 2, fileNumber)
    writeU48(part, 8, size)
    parts.push(part)
  }
  for (const { level, table } of edit.added) {
    parts.push(Uint8Array.of(Tag.tableAdded, level), encodeTableMeta(table))
    for (const ref of table.valueRefs ?? []) {
      const part = new Uint8Array(1 + valueRefSize)
      part[0] = Tag.tableValues
      writeValueRef(part, 1, ref)
      parts.push(part)
    }
    if (version < manifestVersionWithAllKinds) continue
    if (table.expiring !== undefined) {
      const part = new Uint8Array(13)
      part[0] = Tag.tableExpiring
      writeU48(part, 1, table.expiring.entries)
      writeU48(part, 7, table.expiring.latest)
      parts.push(part)
    }
    if (table.cleared !== undefined) number(Tag.tableCleared, table.cleared)
    for (const range of table.ranges ?? []) {
      const part = new Uint8Array(1 + rangeSize(range))
      part[0] = Tag.tableRange
      writeRange(part, 1, range)
      parts.push(part)
    }
  }
  for (const { level, fileNumber } of edit.removed) {
    const part = new Uint8Array(8)
    part[0] = Tag.tableRemoved
    part[1] = level
    writeU48(part, 2, fileNumber)
    parts.push(part)
  }
  if (edit.time !== undefined && version >= manifestVersionWithAllKinds) number(Tag.time, edit.time)
  if (edit.history !== undefined && version >= manifestVersionWithAllKinds) {
    number(Tag.historyId, edit.history.id)
    number(Tag.historySince, edit.history.since)
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
  const valueFiles: Array<ValueFile> = []
  /** Those of the last table added. */
  let refs: Array<ValueRef> = []
  let ranges: Array<RangeDeletion> = []
  let closed: ClosedSegment | undefined
  let time: number | undefined
  let historyId: number | undefined
  let since = 0
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
    if (tag === Tag.tableValues) {
      const last = added.at(-1)
      if (at + valueRefSize > end || last === undefined) return undefined
      if (last.table.valueRefs === undefined) {
        refs = []
        added[added.length - 1] = { level: last.level, table: { ...last.table, valueRefs: refs } }
      }
      refs.push(readValueRef(bytes, at))
      at += valueRefSize
      continue
    }
    if (tag === Tag.tableExpiring) {
      const last = added.at(-1)
      if (at + 12 > end || last === undefined) return undefined
      const expiring = { entries: readU48(bytes, at), latest: readU48(bytes, at + 6) }
      added[added.length - 1] = { level: last.level, table: { ...last.table, expiring } }
      at += 12
      continue
    }
    if (tag === Tag.tableRange) {
      const last = added.at(-1)
      const range = readRange(bytes, at, end)
      if (range === undefined || last === undefined) return undefined
      if (last.table.ranges === undefined) {
        ranges = []
        added[added.length - 1] = { level: last.level, table: { ...last.table, ranges } }
      }
      ranges.push(range)
      at = rangeEnd
      continue
    }
    if (tag === Tag.valueFileAdded) {
      const kind = at + 13 > end ? undefined : kindOf(bytes[at]!)
      if (kind === undefined) return undefined
      valueFiles.push({ kind, fileNumber: readU48(bytes, at + 1), size: readU48(bytes, at + 7) })
      at += 13
      continue
    }
    if (at + 6 > end) return undefined
    const value = readU48(bytes, at)
    at += 6
    if (tag === Tag.nextFileNumber) nextFileNumber = value
    else if (tag === Tag.flushedSequence) flushedSequence = value
    else if (tag === Tag.segmentAdded) addedSegments.push(value)
    else if (tag === Tag.segmentRemoved) removedSegments.push(value)
    else if (tag === Tag.time) time = value
    else if (tag === Tag.historyId) historyId = value
    else if (tag === Tag.historySince) since = value
    else if (tag === Tag.tableCleared && added.length > 0) {
      const last = added[added.length - 1]!
      added[added.length - 1] = { level: last.level, table: { ...last.table, cleared: value } }
    } else return undefined
  }
  const edit = { nextFileNumber, flushedSequence, addedSegments, removedSegments, added, removed, closed }
  return {
    ...edit,
    ...(valueFiles.length > 0 && { valueFiles }),
    ...(time !== undefined && { time }),
    ...(historyId !== undefined && { history: { id: historyId, since } })
  }
}

const kindOf = (byte: number): ValueFileKind | undefined =>
  byte === valueKinds.values ? "values" : byte === valueKinds.log ? "log" : undefined
