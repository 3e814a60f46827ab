import { EntryKind } from "../cursor/entryKind.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import type { RetentionPolicy } from "../cursor/retention.js"
import type { TableBuilder } from "./tableBuilder.js"
import type { TableMeta } from "./tableFormat.js"

export interface WriterJobOptions {
  /** Starts the next table. */
  readonly begin: () => TableBuilder
  readonly retention: RetentionPolicy
  /** A table with finished blocks of at least this many bytes is finished before the next new key. */
  readonly targetSize: number
  /** Bytes of entries processed between two yields. */
  readonly sliceBytes: number
}

/** The tables written, and how many entries were read and dropped. */
export interface WriterJobResult {
  readonly tables: ReadonlyArray<TableMeta>
  readonly entriesRead: number
  readonly entriesDropped: number
}

/**
 * Writes the entries of `cursor` that `retention` keeps into tables. Yields between slices, so that
 * the caller can yield to the event loop. The versions of one key are never split between tables.
 */
export function* writeTables(cursor: InternalCursor, options: WriterJobOptions): Generator<void, WriterJobResult> {
  const { retention, targetSize, sliceBytes } = options
  const tables: Array<TableMeta> = []
  let builder: TableBuilder | undefined
  let slice = 0
  let entriesRead = 0
  let entriesDropped = 0
  for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
    entriesRead++
    const { entry } = cursor
    const { keyBytes, keyStart, keyEnd, valueStart, valueEnd } = entry
    slice += keyEnd - keyStart + valueEnd - valueStart + entryCost
    if (retention.keeps(entry)) {
      if (builder !== undefined && builder.size >= targetSize && !builder.isLastKey(keyBytes, keyStart, keyEnd)) {
        tables.push(yield* builder.finish())
        builder = undefined
      }
      builder ??= options.begin()
      builder.add(
        keyBytes,
        keyStart,
        keyEnd,
        entry.sequence,
        entry.kind === EntryKind.deletion,
        entry.kind,
        entry.valueBytes,
        valueStart,
        valueEnd
      )
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

/** The fixed processing cost of an entry, expressed in bytes. */
const entryCost = 64
