import { EntryKind, isHandle } from "../cursor/entryKind.js"
import { expirySize } from "../cursor/expiry.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import type { RetentionPolicy } from "../cursor/retention.js"
import type { ValueFile } from "../values/valueFile.js"
import { ValueRefs } from "../values/valueRefs.js"
import type { Separation } from "./separation.js"
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
  /** Separates large values from tables. Default: entries are written as they are. */
  readonly separation?: Separation | undefined
  /** See `TableMeta`. Default 0. */
  readonly cleared?: number | undefined
}

/** The tables and value files written, and how many entries were read and dropped. */
export interface WriterJobResult {
  readonly tables: ReadonlyArray<TableMeta>
  readonly valueFiles: ReadonlyArray<ValueFile>
  readonly entriesRead: number
  readonly entriesDropped: number
}

/**
 * Writes the entries of `cursor` that `retention` keeps into tables. Yields between slices, so that
 * the caller can yield to the event loop. The versions of one key are never split between tables.
 */
export function* writeTables(cursor: InternalCursor, options: WriterJobOptions): Generator<void, WriterJobResult> {
  const { retention, targetSize, sliceBytes, separation, cleared } = options
  const tables: Array<TableMeta> = []
  let builder: TableBuilder | undefined
  const refs = new ValueRefs()
  let slice = 0
  let entriesRead = 0
  let entriesDropped = 0
  for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
    entriesRead++
    const { entry } = cursor
    const { keyBytes, keyStart, keyEnd } = entry
    slice += keyEnd - keyStart + entryCost
    if (retention.keeps(entry)) {
      if (builder !== undefined && builder.size >= targetSize && !builder.isLastKey(keyBytes, keyStart, keyEnd)) {
        tables.push(yield* builder.finish(refs.take(), cleared))
        builder = undefined
      }
      builder ??= options.begin()
      const hasExpired = retention.hasExpired === true
      if (separation !== undefined && !hasExpired) slice += separation.take(entry)
      const { kind, valueBytes, valueStart, valueEnd } = hasExpired ? deletion : (separation ?? entry)
      if (isHandle(kind)) refs.add(valueBytes, kind === EntryKind.expiringHandle ? valueStart + expirySize : valueStart)
      slice += valueEnd - valueStart
      builder.add(keyBytes, keyStart, keyEnd, entry.sequence, kind, valueBytes, valueStart, valueEnd)
    } else {
      entriesDropped++
    }
    if (slice >= sliceBytes) {
      slice = 0
      yield
    }
  }
  if (builder !== undefined) tables.push(yield* builder.finish(refs.take(), cleared))
  return { tables, valueFiles: separation?.finish() ?? [], entriesRead, entriesDropped }
}

/** Takes the place of an entry that has expired. */
const deletion = { kind: EntryKind.deletion, valueBytes: new Uint8Array(0), valueStart: 0, valueEnd: 0 }

/** The fixed processing cost of an entry, expressed in bytes. */
const entryCost = 256
