import { compareRange, copyRange } from "../../core/bytes/bytes.js"
import type { InternalCursor } from "../../core/cursor/internalCursor.js"
import { mergeCursors } from "../../core/cursor/mergeCursor.js"
import { SkippingCursor } from "../../core/cursor/skippingCursor.js"
import { unsited } from "../../core/cursor/unsited.js"
import { type KeyRange, VisibleCursor, type VisibleCursorOptions } from "../../core/cursor/visibleCursor.js"
import { Skyline } from "../../core/ranges/skyline.js"
import { findTable, LevelCursor } from "../../core/table/levelCursor.js"
import type { TableCursorOptions } from "../../core/table/tableCursor.js"
import type { TableMeta } from "../../core/table/tableFormat.js"
import type { Entry } from "../../Store.js"
import type { Engine } from "./engine.js"

/**
 * Long scans read ahead in pieces of up to this size. A value of a Stream keeps the whole piece in
 * memory.
 */
const scanReadAhead = 64 * 1024
/** A chunk is closed when its keys and values take this many bytes. */
const chunkBytes = 1024 * 1024

/**
 * Deleted and superseded entries that a step passes over before it yields to the event loop: about
 * a millisecond.
 */
export const entriesPerTurn = 4096

/** A walk over a range as of one moment. It holds the tables it reads until it is released. */
export class RangeReader {
  constructor(
    readonly cursor: VisibleCursor,
    /** A second call does nothing. */
    readonly release: () => void
  ) {}
}

export interface RangeReaderOptions extends VisibleCursorOptions {
  /**
   * Returns values as views of the blocks that are read for them, instead of copies. Default false.
   */
  readonly giveValues?: boolean | undefined
}

const giving: TableCursorOptions = { readAhead: scanReadAhead, fillCache: true, giveValues: true }
const copying: TableCursorOptions = { readAhead: scanReadAhead, fillCache: true, giveValues: false }

/**
 * Opens a range at `sequence`, for a reader at `time`: the memtables as they are now, and the current version, which stays
 * pinned until released.
 */
export const openRange = (
  engine: Engine,
  range: KeyRange,
  sequence: number,
  time: number,
  options: RangeReaderOptions
): RangeReader => {
  const { memtable, tables } = engine.parts
  const { version, release } = engine.pin()
  try {
    const cursors: Array<InternalCursor> = []
    const fragments = engine.ranges.areNone ? undefined : engine.ranges.current()?.share()
    /** Passes over what range deletions hide of a source as a whole. */
    const skipping = (source: InternalCursor, newest: number): InternalCursor =>
      fragments === undefined ? source : new SkippingCursor(source, newest, new Skyline(fragments, sequence))
    for (const table of memtable.unsafeAll()) {
      for (const source of table.newestCursors(sequence)) cursors.push(skipping(source, table.largestSequence))
    }
    const cursorOptions = options.giveValues === true ? giving : copying
    const open = (table: TableMeta) => skipping(tables.unsafeCursor(table, cursorOptions), table.largestSequence)
    const stretches = fragments && new Skyline(fragments, sequence)
    const isHidden = (table: TableMeta) => stretches?.hides(table, table.largestSequence) === true
    for (const table of version.levels[0]!) if (meets(table, range) && !isHidden(table)) cursors.push(open(table))
    for (let level = 1; level < version.levels.length; level++) {
      const inRange = within(version.levels[level]!, range)
      if (inRange.length > 0) cursors.push(new LevelCursor(inRange, open, isHidden))
    }
    engine.parts.metrics.scans.add(1)
    const values = tables.unsafeValues(cursorOptions)
    const skyline = fragments && new Skyline(fragments, sequence)
    // Not spread from `options`: what V8 makes of that outlives many collections.
    const cursorOf = { keysOnly: options.keysOnly, patience: options.patience, values, skyline, time }
    const cursor = new VisibleCursor(mergeCursors(cursors), sequence, range, cursorOf, engine.gaps)
    return new RangeReader(cursor, release)
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

/** The part of an entry that a scan returns, and its size in bytes. */
export interface Shape<A> {
  readonly take: (cursor: VisibleCursor) => A
  readonly size: (cursor: VisibleCursor) => number
}

const takeKey = (cursor: VisibleCursor): Uint8Array => copyRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd)
const keySize = (cursor: VisibleCursor): number => cursor.keyEnd - cursor.keyStart

/** The value under the cursor. It is copied unless the cursor gives it away. */
const takeValue = (cursor: VisibleCursor): Uint8Array => {
  const { valueBytes, valueStart, valueEnd, valueIsOwn } = cursor
  return (
    cursor.readSeparated() ??
    (valueIsOwn
      ? new Uint8Array(valueBytes.buffer, valueBytes.byteOffset + valueStart, valueEnd - valueStart)
      : copyRange(valueBytes, valueStart, valueEnd))
  )
}
const valueSize = (cursor: VisibleCursor): number => cursor.valueLength

export const entryShape: Shape<Entry> = {
  take: (cursor) => ({ key: takeKey(cursor), value: takeValue(cursor) }),
  size: (cursor) => keySize(cursor) + valueSize(cursor)
}

/** An entry without its value. */
export const bareShape: Shape<Entry> = {
  take: (cursor) => ({ key: takeKey(cursor), value: noValue }),
  size: keySize
}
const noValue = new Uint8Array(0)

export const keyShape: Shape<Uint8Array> = { take: takeKey, size: keySize }

export const valueShape: Shape<Uint8Array> = { take: takeValue, size: valueSize }

/**
 * Takes up to `most` entries from the cursor's position, and leaves it after them. Takes fewer if
 * they are large or the cursor stops on its way.
 */
export const takeChunk = <A>(cursor: VisibleCursor, shape: Shape<A>, most: number, reverse: boolean): Array<A> => {
  const chunk: Array<A> = unsited()
  let bytes = 0
  while (cursor.valid && chunk.length < most && bytes < chunkBytes) {
    bytes += shape.size(cursor)
    chunk.push(shape.take(cursor))
    if (reverse) cursor.prev()
    else cursor.next()
  }
  return chunk
}
