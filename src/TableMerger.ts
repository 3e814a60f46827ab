/**
 * Merging tables into tables, in this thread or another, and flushing memtables in another thread.
 *
 * @since 3.0.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { clearedBy, type MergeInputs, needsAllKinds } from "./core/compaction/mergeInputs.js"
import { mergeCursors } from "./core/cursor/mergeCursor.js"
import { Retention, retentionOf } from "./core/cursor/retention.js"
import { isAbsentFrom } from "./core/manifest/version.js"
import { LevelCursor } from "./core/table/levelCursor.js"
import type { TableMeta } from "./core/table/tableFormat.js"
import type { WriterJobResult } from "./core/table/tableWriterJob.js"
import type { FileError } from "./LsmError.js"
import { SSTableStore, type SSTableStoreService } from "./SSTableStore.js"
import { attempt } from "./Storage.js"

/**
 * Tables to merge, and how. Everything but `allocate` is plain data. The input tables stay on disk
 * until the merge ends.
 *
 * @since 3.0.0
 * @category models
 */
export interface MergeJob extends MergeInputs {
  /** The id of the store that owns the tables. */
  readonly storeId: Uint8Array
  /** The sequence numbers of snapshots, ascending. Versions that they see are kept. */
  readonly snapshots: ReadonlyArray<number>
  /** A table is closed when it has this many bytes. */
  readonly targetSize: number
  /** The level that the tables are for. */
  readonly level: number
  /**
   * The files whose values are written anew. Handles to values in other files are kept. Default
   * none.
   */
  readonly collect?: ReadonlyArray<number> | undefined
  /**
   * Entries that expire until then, in milliseconds since 1970, have expired for all readers: they are
   * deletions. Default 0.
   *
   * @since 3.1.0
   */
  readonly expiredUntil?: number | undefined
  /** Returns a file number that was never used. */
  readonly allocate: () => number
}

/**
 * A frozen memtable to flush, as the log holds it. Everything but `allocate` is plain data.
 *
 * @since 3.1.0
 * @category models
 */
export interface FlushJob {
  /** The id of the store. */
  readonly storeId: Uint8Array
  /** The log segment that holds all records of the memtable, and no others. It is complete. */
  readonly segment: number
  /** The sequence numbers of the memtable's entries. There is one for each entry. */
  readonly sequences: { readonly first: number; readonly last: number }
  /** The sequence numbers of snapshots, ascending. Versions that they see are kept. */
  readonly snapshots: ReadonlyArray<number>
  /** Bytes of the memtable's keys and values. */
  readonly dataBytes: number
  /**
   * Entries that expire until then, in milliseconds since 1970, have expired for all readers: they are
   * deletions. Default 0.
   *
   * @since 3.1.0
   */
  readonly expiredUntil?: number | undefined
  /** Returns a file number that was never used. */
  readonly allocate: () => number
}

/**
 * @since 3.0.0
 * @category models
 */
export interface TableMergerService {
  /**
   * Merges the inputs into new tables and value files. Files and directory entries are durable when it returns; the
   * inputs stay. On failure or interruption it removes the new files before it ends. It is
   * interruptible in the same way as `SSTableStore.write`.
   */
  readonly merge: (job: MergeJob) => Effect.Effect<WriterJobResult, FileError>
  /**
   * Writes a table of level 0 from the log segment of a memtable. Like `merge`, it returns when the
   * table is durable, and leaves no file otherwise. It returns undefined if it cannot do that, for
   * example because the segment is damaged: the store then flushes the memtable itself. Optional:
   * without it the store flushes every memtable itself.
   *
   * @since 3.1.0
   */
  readonly flush?: (job: FlushJob) => Effect.Effect<WriterJobResult | undefined, FileError>
  /**
   * Whether flushes and merges run in another thread, as far as is known now. Writers then yield
   * less often to the event loop. Optional: false.
   *
   * @since 3.1.0
   */
  readonly unsafeIsApart?: () => boolean
}

/**
 * @since 3.0.0
 * @category tags
 */
export class TableMerger extends Context.Tag("effect-lsm/TableMerger")<TableMerger, TableMergerService>() {}

/** The inputs are read in pieces of this size and do not enter the block cache. */
const readAhead = 256 * 1024

const runCursors = (tables: SSTableStoreService, { runs }: MergeInputs) => {
  const open = (table: TableMeta) => tables.unsafeCursor(table, { readAhead, fillCache: false })
  return runs.map((run) => (run.length === 1 ? open(run[0]!) : new LevelCursor(run, open)))
}

/**
 * Merges with an SSTableStore, which yields to the event loop between slices.
 *
 * @internal
 */
export const fromTables = (tables: SSTableStoreService): TableMergerService => ({
  merge: (job) => {
    const { snapshots, below, targetSize, level, collect, allocate, rangeDeletions, expiredUntil } = job
    return Effect.flatMap(
      attempt(() => runCursors(tables, job)),
      (cursors) =>
        tables.write({
          cursor: mergeCursors(cursors),
          retention: new Retention(
            snapshots,
            (bytes, start, end) => isAbsentFrom(below, bytes, start, end),
            retentionOf(rangeDeletions, expiredUntil)
          ),
          targetSize,
          level,
          collect,
          allKinds: needsAllKinds(job),
          cleared: clearedBy(rangeDeletions?.newest ?? 0, snapshots),
          allocate
        })
    )
  }
})

/**
 * Merges in this thread.
 *
 * @since 3.0.0
 * @category constructors
 */
export const make: Effect.Effect<TableMergerService, never, SSTableStore> = Effect.map(SSTableStore, fromTables)

/**
 * Merges in this thread.
 *
 * @since 3.0.0
 * @category layers
 */
export const layer: Layer.Layer<TableMerger, never, SSTableStore> = Layer.effect(TableMerger, make)
