import * as Schema from "effect/Schema"
import { Corruption, DiskFull, StorageError, UnsupportedFormat } from "../../LsmError.js"
import { SegmentUnusable } from "../background/segmentUnusable.js"

/**
 * Messages between a store and the worker thread that flushes and merges. They are plain data, and
 * errors keep their fields.
 */

const RangeDeletion = Schema.Struct({
  start: Schema.Uint8ArrayFromSelf,
  end: Schema.UndefinedOr(Schema.Uint8ArrayFromSelf),
  sequence: Schema.Number
})

const TableMeta = Schema.Struct({
  fileNumber: Schema.Number,
  size: Schema.Number,
  smallestKey: Schema.Uint8ArrayFromSelf,
  largestKey: Schema.Uint8ArrayFromSelf,
  smallestSequence: Schema.Number,
  largestSequence: Schema.Number,
  entries: Schema.Number,
  deletions: Schema.Number,
  rawBytes: Schema.Number,
  superseded: Schema.optional(Schema.Struct({ entries: Schema.Number, bytes: Schema.Number })),
  valueRefs: Schema.optional(
    Schema.Array(Schema.Struct({ fileNumber: Schema.Number, entries: Schema.Number, bytes: Schema.Number }))
  ),
  ranges: Schema.optional(Schema.Array(RangeDeletion)),
  cleared: Schema.optional(Schema.Number),
  expiring: Schema.optional(Schema.Struct({ entries: Schema.Number, latest: Schema.Number }))
})

const ValueFile = Schema.Struct({
  fileNumber: Schema.Number,
  kind: Schema.Literal("values", "log"),
  size: Schema.Number
})

const KeyBounds = Schema.Struct({ smallestKey: Schema.Uint8ArrayFromSelf, largestKey: Schema.Uint8ArrayFromSelf })

/** The options for reading and writing tables. */
const TableOptions = Schema.Struct({
  directory: Schema.String,
  maxOpenTables: Schema.Number,
  valueThreshold: Schema.Number,
  valueFileBytes: Schema.Number,
  blockBytes: Schema.UndefinedOr(Schema.Number),
  restartInterval: Schema.Number,
  filterFalsePositiveRate: Schema.Number,
  compression: Schema.Array(Schema.Literal("none", "deflate", "zstd", "lz4")),
  fileMode: Schema.Number,
  directoryMode: Schema.Number
})

/** A merge of tables. New files take their numbers from `fileNumbers`, in order. */
export const MergeRequest = Schema.Struct({
  options: TableOptions,
  storeId: Schema.Uint8ArrayFromSelf,
  runs: Schema.Array(Schema.Array(TableMeta)),
  below: Schema.Array(Schema.Array(KeyBounds)),
  rangeDeletions: Schema.optional(
    Schema.Struct({
      covering: Schema.Array(RangeDeletion),
      done: Schema.Array(Schema.Number),
      newest: Schema.Number
    })
  ),
  snapshots: Schema.Array(Schema.Number),
  expiredUntil: Schema.optional(Schema.Number),
  targetSize: Schema.Number,
  level: Schema.Number,
  collect: Schema.Array(Schema.Number),
  fileNumbers: Schema.Array(Schema.Number)
})

/**
 * A flush of the memtable whose records a log segment holds. Its table takes its number from
 * `fileNumbers`.
 */
export const FlushRequest = Schema.Struct({
  options: TableOptions,
  storeId: Schema.Uint8ArrayFromSelf,
  segment: Schema.Number,
  sequences: Schema.Struct({ first: Schema.Number, last: Schema.Number }),
  snapshots: Schema.Array(Schema.Number),
  expiredUntil: Schema.optional(Schema.Number),
  fileNumbers: Schema.Array(Schema.Number)
})

/** A kind of work. */
export const Kind = Schema.Struct({ kind: Schema.Literal("flush", "merge") })

/** The tables that were written. */
export const MergeResult = Schema.Struct({
  tables: Schema.Array(TableMeta),
  valueFiles: Schema.Array(ValueFile),
  entriesRead: Schema.Number,
  entriesDropped: Schema.Number
})

export const MergeFailure = Schema.Union(StorageError, DiskFull, Corruption, UnsupportedFormat)

export const FlushFailure = Schema.Union(StorageError, DiskFull, Corruption, UnsupportedFormat, SegmentUnusable)
