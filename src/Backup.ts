/**
 * Backups: incremental copies of a store in another directory, with several generations.
 *
 * @since 3.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { BackupEvent, BackupVerifyEvent } from "./internal/backup/events.js"
import { listBackup } from "./internal/backup/listBackup.js"
import { makeBackup } from "./internal/backup/makeBackup.js"
import { restoreBackup } from "./internal/backup/restoreBackup.js"
import { verifyBackup } from "./internal/backup/verifyBackup.js"
import { sourceOf } from "./internal/checkpoint/storeSource.js"
import { InvalidArgument, type OpenError, type WriteError } from "./LsmError.js"
import * as LsmStore from "./LsmStore.js"
import * as Storage from "./Storage.js"
import type { Store } from "./Store.js"

export type {
  BackupEvent,
  BackupFinding,
  BackupMade,
  BackupProgress,
  BackupVerified,
  BackupVerifyEvent
} from "./internal/backup/events.js"

/**
 * Options of a backup.
 *
 * @since 3.1.0
 * @category models
 */
export interface BackupOptions {
  /** An open store, or the directory of a store that is not open. */
  readonly from: Store | string
  /** The directory of the backup. It must be empty, absent, or a backup of the same store. */
  readonly into: string
  /** How many generations to keep, this one included. At least 1. Default: all. */
  readonly keep?: number | undefined
}

/**
 * Options of `restore`.
 *
 * @since 3.1.0
 * @category models
 */
export interface RestoreOptions {
  /** The directory of the backup. */
  readonly from: string
  /** The directory of the new store. It must be empty or absent. */
  readonly into: string
  /** The number of the generation. Default: the newest. */
  readonly generation?: number | undefined
}

/**
 * The report of a restore.
 *
 * @since 3.1.0
 * @category models
 */
export interface RestoreReport {
  /** The absolute path of the store. */
  readonly directory: string
  readonly generation: number
  /** The sequence number of the newest write in it. */
  readonly sequence: number
  readonly files: number
  readonly bytes: number
}

/**
 * A generation of a backup.
 *
 * @since 3.1.0
 * @category models
 */
export interface GenerationInfo {
  readonly generation: number
  /** When it was made. */
  readonly madeAt: Date
  /** The sequence number of the newest write in it. */
  readonly sequence: number
  readonly files: number
  readonly bytes: number
}

/**
 * Makes a generation of a backup: the store as of one moment, with every write that was acknowledged
 * before the Stream begins. Reads and writes go on meanwhile. The work is done as the Stream is run.
 *
 * Files are copied, never linked, and only those that no generation has yet. Tables and value files
 * never change, so a second backup copies the new files, and the end of the log. Each copy is read
 * back and checked by the checksums of the store: damage is a `Corruption` that names the copy, and
 * the generation is not made. It is durable with the last event. Until then, and after a crash,
 * the earlier generations are as they were.
 *
 * With `keep`, the oldest generations are removed then, and the files that only they had.
 *
 * A store that is given by its directory is opened read-only meanwhile, with Node's files.
 *
 * Fails with `InvalidArgument` if `into` is not empty and no backup, is one of another store, or
 * lies in the directory of the store; with `StoreLocked` if another backup runs there.
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = (options: BackupOptions): Stream.Stream<BackupEvent, WriteError | OpenError> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { from, into, keep = Number.POSITIVE_INFINITY } = options
      if (keep !== Number.POSITIVE_INFINITY && !(Number.isInteger(keep) && keep >= 1)) {
        return yield* new InvalidArgument({ argument: "keep", reason: "must be a whole number, at least 1" })
      }
      const store = typeof from === "string" ? yield* LsmStore.make({ directory: from, readOnly: true }) : from
      return makeBackup(yield* sourceOf(store), into, keep)
    })
  )

/**
 * Makes a store of a generation of a backup. Every file is checked by its checksum while it is
 * copied: damage is a `Corruption` that names the file, and no store is made.
 *
 * The store has the id of the original. If both go on, back them up into different directories.
 *
 * @since 3.1.0
 * @category restoring
 */
export const restore = (options: RestoreOptions): Effect.Effect<RestoreReport, OpenError> =>
  Effect.provide(restoreFromStorage(options), Storage.layer)

/**
 * `restore` on a `Storage` that is provided.
 *
 * @since 3.1.0
 * @category restoring
 */
export const restoreFromStorage = ({
  from,
  generation,
  into
}: RestoreOptions): Effect.Effect<RestoreReport, OpenError, Storage.Storage> => restoreBackup(from, into, generation)

/**
 * Reads every file of a backup and compares it with its checksum. Damage is a `Finding`, not a
 * failure. The last event is `Verified`.
 *
 * @since 3.1.0
 * @category verification
 */
export const verify = (from: string): Stream.Stream<BackupVerifyEvent, OpenError> =>
  Stream.provideLayer(verifyFromStorage(from), Storage.layer)

/**
 * `verify` on a `Storage` that is provided.
 *
 * @since 3.1.0
 * @category verification
 */
export const verifyFromStorage: (from: string) => Stream.Stream<BackupVerifyEvent, OpenError, Storage.Storage> =
  verifyBackup

/**
 * The generations of a backup, the oldest first.
 *
 * @since 3.1.0
 * @category reading
 */
export const list = (from: string): Effect.Effect<ReadonlyArray<GenerationInfo>, OpenError> =>
  Effect.provide(listFromStorage(from), Storage.layer)

/**
 * `list` on a `Storage` that is provided.
 *
 * @since 3.1.0
 * @category reading
 */
export const listFromStorage: (
  from: string
) => Effect.Effect<ReadonlyArray<GenerationInfo>, OpenError, Storage.Storage> = listBackup
