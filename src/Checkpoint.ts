/**
 * Checkpoints: copies of an open store that are made in a moment, because files are shared.
 *
 * @since 3.1.0
 */
import * as Effect from "effect/Effect"
import { sourceOf } from "./internal/checkpoint/storeSource.js"
import { writeCheckpoint } from "./internal/checkpoint/writeCheckpoint.js"
import type { WriteError } from "./LsmError.js"
import type { Store } from "./Store.js"

/**
 * Options of a checkpoint.
 *
 * @since 3.1.0
 * @category models
 */
export interface CheckpointOptions {
  /** The directory of the checkpoint. It must be empty or must not exist. */
  readonly into: string
  /**
   * Flush the memtables first, so that the checkpoint has tables only. It then takes as long as the
   * flush, but copies nothing. Default false: the log is copied.
   */
  readonly flush?: boolean | undefined
}

/**
 * The report of a checkpoint.
 *
 * @since 3.1.0
 * @category models
 */
export interface CheckpointReport {
  /** The absolute path of the checkpoint. */
  readonly directory: string
  /** The sequence number of the newest write in it. It has all writes up to that one. */
  readonly sequence: number
  /** Files that the checkpoint shares with the store. */
  readonly linked: number
  /** Files that were copied. */
  readonly copied: number
  /** Bytes of the copied files. */
  readonly copiedBytes: number
}

/**
 * Makes a copy of a store, which can be opened as a store of its own. It holds the store as of one
 * moment, with every write that was acknowledged before the call. Writes and reads go on meanwhile.
 *
 * Tables and value files never change, so the copy gets them as hard links, and takes hardly any
 * disk space at first. Where the file system does not link, they are copied. The end of the log is
 * always copied. The checkpoint is durable when this returns.
 *
 * - A shared file is one file with two names: damage to it is in both. A checkpoint is no backup;
 *   see `Backup`.
 * - A checkpoint has the id of the store. Writes to either do not show in the other, but files of
 *   one must not be mixed with files of the other.
 * - A failure or an interruption leaves no checkpoint. A crash may leave a directory whose name ends
 *   in `.incomplete-` and eight digits; it can be removed.
 *
 * Fails with `InvalidArgument` if `into` is not empty or lies in the directory of the store, with
 * `DiskFull` and `StorageError` as the system refuses files, and with `StorePoisoned` after a failed
 * sync of the log. A read-only store can be copied too, but not with `flush`, and not if
 * `recovery: "pointInTime"` has left out a part of its log (`Corruption`).
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = (
  store: Store,
  { flush = false, into }: CheckpointOptions
): Effect.Effect<CheckpointReport, WriteError> =>
  Effect.flatMap(sourceOf(store), (source) => writeCheckpoint(source, into, { flush }))
