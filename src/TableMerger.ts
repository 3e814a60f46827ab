/**
 * Merging tables into tables: the work of a compaction, in whatever thread it is done.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { MergeInputs } from "./core/compaction/mergeInputs.js"
import { mergeCursors } from "./core/cursor/mergeCursor.js"
import { Retention } from "./core/cursor/retention.js"
import { isAbsentFrom } from "./core/manifest/version.js"
import { LevelCursor } from "./core/table/levelCursor.js"
import type { TableMeta } from "./core/table/tableFormat.js"
import type { WriterJobResult } from "./core/table/tableWriterJob.js"
import type { FileError } from "./LsmError.js"
import { SSTableStore, type SSTableStoreService } from "./SSTableStore.js"
import { attempt } from "./Storage.js"

/**
 * What is to be merged, and how. All of it but `allocate` is plain data. Its tables stay on disk until it has ended.
 *
 * @since 0.1.0
 * @category models
 */
export interface MergeJob extends MergeInputs {
  /** Whose tables these are. */
  readonly storeId: Uint8Array
  /** The sequence numbers that snapshots hold, ascending: what they see is kept. */
  readonly snapshots: ReadonlyArray<number>
  /** A table is closed when it has this many bytes. */
  readonly targetSize: number
  /** The level that the tables are for. */
  readonly level: number
  /** Gives a number that no file has had. */
  readonly allocate: () => number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface TableMergerService {
  /**
   * Writes what is to be kept of the inputs as new tables, synced with their names; the inputs stay. On failure or interruption
   * nothing is left of the new ones, and nothing is done any more when it has ended. Interrupted as `SSTableStore.write` is.
   */
  readonly merge: (job: MergeJob) => Effect.Effect<WriterJobResult, FileError>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class TableMerger extends Context.Tag("effect-lsm/TableMerger")<TableMerger, TableMergerService>() {}

/** The inputs are read in pieces of this size, past the block cache. */
const readAhead = 256 * 1024

const runCursors = (tables: SSTableStoreService, { runs }: MergeInputs) => {
  const open = (table: TableMeta) => tables.unsafeCursor(table, { readAhead, fillCache: false })
  return runs.map((run) => (run.length === 1 ? open(run[0]!) : new LevelCursor(run, open)))
}

/**
 * Merges by an SSTableStore, whose slices let the event loop turn in between.
 *
 * @internal
 */
export const fromTables = (tables: SSTableStoreService): TableMergerService => ({
  merge: (job) => {
    const { snapshots, below, targetSize, level, allocate } = job
    return Effect.flatMap(
      attempt(() => runCursors(tables, job)),
      (cursors) =>
        tables.write({
          cursor: mergeCursors(cursors),
          retention: new Retention(snapshots, (bytes, start, end) => isAbsentFrom(below, bytes, start, end)),
          targetSize,
          level,
          allocate
        })
    )
  }
})

/**
 * Merges in this thread.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<TableMergerService, never, SSTableStore> = Effect.map(SSTableStore, fromTables)

/**
 * Merges in this thread.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<TableMerger, never, SSTableStore> = Layer.effect(TableMerger, make)
