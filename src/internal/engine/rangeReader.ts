import { compareRange, copyRange } from "../../core/bytes/bytes.js"
import type { InternalCursor } from "../../core/cursor/internalCursor.js"
import { mergeCursors } from "../../core/cursor/mergeCursor.js"
import { type KeyRange, VisibleCursor, type VisibleCursorOptions } from "../../core/cursor/visibleCursor.js"
import { findTable, LevelCursor } from "../../core/table/levelCursor.js"
import type { TableMeta } from "../../core/table/tableFormat.js"
import type { Entry } from "../../Store.js"
import type { Engine } from "./engine.js"

/** Long scans read tables ahead in pieces of up to this size. Whoever keeps a value of a Stream keeps the piece that it was read with. */
const scanReadAhead = 64 * 1024
/** A chunk is closed when its keys and values take this much. */
const chunkBytes = 1024 * 1024

/** Deleted and superseded entries passed over between two turns of the event loop: about a millisecond. */
export const entriesPerTurn = 4096

/** A walk over a range as of one moment, and what it keeps from going away. */
export interface RangeReader {
  readonly cursor: VisibleCursor
  /** A second call does nothing. */
  readonly release: () => void
}

export interface RangeReaderOptions extends VisibleCursorOptions {
  /** Whether values are given away as views of the blocks that are read for them. Default false. */
  readonly giveValues?: boolean | undefined
}

/** Opens a range at `sequence`: the memtables of this moment, and the version, which stays pinned until released. */
export const openRange = (
  engine: Engine,
  range: KeyRange,
  sequence: number,
  options: RangeReaderOptions
): RangeReader => {
  const { memtable, tables } = engine.parts
  const { version, release } = engine.pin()
  try {
    const cursors: Array<InternalCursor> = []
    for (const table of memtable.unsafeAll()) cursors.push(...table.newestCursors(sequence))
    const cursorOptions = { readAhead: scanReadAhead, fillCache: true, giveValues: options.giveValues === true }
    const open = (table: TableMeta) => tables.unsafeCursor(table, cursorOptions)
    for (const table of version.levels[0]!) if (meets(table, range)) cursors.push(open(table))
    for (let level = 1; level < version.levels.length; level++) {
      const inRange = within(version.levels[level]!, range)
      if (inRange.length > 0) cursors.push(new LevelCursor(inRange, open))
    }
    engine.parts.metrics.scans.add(1)
    return { cursor: new VisibleCursor(mergeCursors(cursors), sequence, range, options), release }
  } catch (failure) {
    release()
    throw failure
  }
}

const meets = ({ smallestKey, largestKey }: TableMeta, { start, end }: KeyRange): boolean =>
  (start === undefined || compareRange(largestKey, 0, largestKey.length, start, 0, start.length) >= 0) &&
  (end === undefined || compareRange(smallestKey, 0, smallestKey.length, end, 0, end.length) < 0)

const within = (tables: ReadonlyArray<TableMeta>, range: KeyRange): ReadonlyArray<TableMeta> => {
  if (range.start === undefined && range.end === undefined) return tables
  const from = range.start === undefined ? 0 : findTable(tables, range.start, range.start.length)
  let to = from
  while (to < tables.length && meets(tables[to]!, range)) to++
  return tables.slice(from, to)
}

/** What a scan hands over of an entry, and how many bytes that has. */
export interface Shape<A> {
  readonly take: (cursor: VisibleCursor) => A
  readonly size: (cursor: VisibleCursor) => number
}

const takeKey = (cursor: VisibleCursor): Uint8Array => copyRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd)
const keySize = (cursor: VisibleCursor): number => cursor.keyEnd - cursor.keyStart

/** The value under the cursor, copied if it is somebody else's. */
const takeValue = ({ valueBytes, valueStart, valueEnd, valueIsOwn }: VisibleCursor): Uint8Array =>
  valueIsOwn
    ? new Uint8Array(valueBytes.buffer, valueBytes.byteOffset + valueStart, valueEnd - valueStart)
    : copyRange(valueBytes, valueStart, valueEnd)
const valueSize = (cursor: VisibleCursor): number => cursor.valueEnd - cursor.valueStart

export const entryShape: Shape<Entry> = {
  take: (cursor) => ({ key: takeKey(cursor), value: takeValue(cursor) }),
  size: (cursor) => keySize(cursor) + valueSize(cursor)
}

/** An entry whose value is not wanted. */
export const bareShape: Shape<Entry> = {
  take: (cursor) => ({ key: takeKey(cursor), value: noValue }),
  size: keySize
}
const noValue = new Uint8Array(0)

export const keyShape: Shape<Uint8Array> = { take: takeKey, size: keySize }

export const valueShape: Shape<Uint8Array> = { take: takeValue, size: valueSize }

/** Takes up to `most` entries from where the cursor stands, and leaves it behind them; fewer if they are large, or if it is unsettled then. */
export const takeChunk = <A>(cursor: VisibleCursor, shape: Shape<A>, most: number, reverse: boolean): Array<A> => {
  const chunk: Array<A> = []
  let bytes = 0
  while (cursor.valid && chunk.length < most && bytes < chunkBytes) {
    bytes += shape.size(cursor)
    chunk.push(shape.take(cursor))
    if (reverse) cursor.prev()
    else cursor.next()
  }
  return chunk
}
