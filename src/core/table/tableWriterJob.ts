import { equalRange } from "../bytes/bytes.js"
import { EntryKind } from "../cursor/entryKind.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import type { RetentionPolicy } from "../cursor/retention.js"
import type { TableBuilder } from "./tableBuilder.js"
import type { TableMeta } from "./tableFormat.js"

export interface WriterJobOptions {
  /** Begins the next table. */
  readonly begin: () => TableBuilder
  readonly retention: RetentionPolicy
  /** A table is closed at the next new key once it has this many bytes. */
  readonly targetSize: number
  /** Bytes of entries handled between two yields. */
  readonly sliceBytes: number
}

/** What came of merging: the tables written, and how much was read and dropped. */
export interface WriterJobResult {
  readonly tables: ReadonlyArray<TableMeta>
  readonly entriesRead: number
  readonly entriesDropped: number
}

/**
 * Writes the entries of `cursor` that are to be kept into tables. It yields between slices, so that whoever drives it
 * gives the event loop its turn; a table never ends within the versions of one key.
 */
export function* writeTables(cursor: InternalCursor, options: WriterJobOptions): Generator<void, WriterJobResult> {
  const { retention, targetSize, sliceBytes } = options
  const tables: Array<TableMeta> = []
  let builder: TableBuilder | undefined
  let lastKey = new Uint8Array(256)
  let lastKeyLength = -1
  let slice = 0
  let entriesRead = 0
  let entriesDropped = 0
  for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
    entriesRead++
    const { keyBytes, keyStart, keyEnd, valueStart, valueEnd } = cursor
    slice += keyEnd - keyStart + valueEnd - valueStart + entryCost
    if (retention.keeps(cursor)) {
      if (
        builder !== undefined &&
        builder.size >= targetSize &&
        !equalRange(keyBytes, keyStart, keyEnd, lastKey, 0, lastKeyLength)
      ) {
        tables.push(yield* builder.finish())
        builder = undefined
      }
      builder ??= options.begin()
      builder.add(
        keyBytes,
        keyStart,
        keyEnd,
        cursor.sequence,
        cursor.kind === EntryKind.deletion,
        cursor.kind,
        cursor.valueBytes,
        valueStart,
        valueEnd
      )
      const length = keyEnd - keyStart
      if (length > lastKey.length) lastKey = new Uint8Array(length * 2)
      for (let i = 0; i < length; i++) lastKey[i] = keyBytes[keyStart + i]!
      lastKeyLength = length
    } else {
      entriesDropped++
    }
    if (slice >= sliceBytes) {
      slice = 0
      yield
    }
  }
  if (builder !== undefined) tables.push(yield* builder.finish())
  return { tables, entriesRead, entriesDropped }
}

/** What an entry costs beside its bytes, in bytes' worth of time. */
const entryCost = 64
