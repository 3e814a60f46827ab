/**
 * Flushes and compactions in a worker of `@effect/platform`. It replaces the usual `TableMerger`.
 *
 * A store on Node has a background thread without this: see `LsmOptions.Tuning.backgroundThread`.
 * This module is for programs that must say where the program of the thread is, such as bundles, or
 * that want a failed merge as an error.
 *
 * The main thread sends the log segment to flush or the list of tables to merge, and receives the
 * list of tables written. The worker thread reads, sorts or merges, writes and syncs with its own
 * file descriptors. It starts at the first flush or compaction, does one of each at a time, ends
 * with the store, and does not keep the process alive while it is idle. The main thread still
 * decides when to flush and compact, delays writers, and owns the manifest.
 *
 * @since 3.0.0
 */
import { Worker as NodeThread } from "node:worker_threads"
import type * as Worker from "@effect/platform/Worker"
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { warnOfDeath, warnOfSegment } from "./internal/background/fallBack.js"
import type { ThreadDied } from "./internal/background/threadDied.js"
import { makeThreadWork } from "./internal/background/threadWork.js"
import { startThread } from "./internal/thread/startThread.js"
import { type FileError, type InvalidArgument, type OpenError, StorageError } from "./LsmError.js"
import * as LsmOptions from "./LsmOptions.js"
import * as LsmStore from "./LsmStore.js"
import type * as Storage from "./Storage.js"
import type * as Store from "./Store.js"
import { TableMerger, type TableMergerService } from "./TableMerger.js"

/**
 * Flushes and merges in a thread of the provided platform. The thread runs the module
 * `internal/thread/compactionThread.js` of this package, or one that does the same. If the thread
 * dies, for example because it ran out of memory, a merge fails with a `StorageError` whose
 * `operation` is `"merge in a thread"`, and a flush is done in the store's own thread. Files of the
 * dead thread are removed, and the next job starts a new thread.
 *
 * @since 3.0.0
 * @category constructors
 */
export const make = (
  options: LsmOptions.LsmOptions
): Effect.Effect<
  TableMergerService,
  InvalidArgument,
  Storage.Storage | Worker.PlatformWorker | Worker.Spawner | Scope.Scope
> =>
  Effect.gen(function* () {
    const settings = yield* LsmOptions.resolveOptions(options)
    const { directory } = settings
    const platform = yield* Effect.context<Worker.PlatformWorker | Worker.Spawner>()
    const work = yield* makeThreadWork(settings, (scope) => Effect.provide(startThread(scope), platform))
    return {
      merge: (job) =>
        Effect.catchTag(work.merge(job), "ThreadDied", (death) => Effect.fail(threadFailure(directory, death))),
      flush: (job) =>
        Effect.catchTags(work.flush(job), {
          ThreadDied: (death) => Effect.as(warnOfDeath(directory, death), undefined),
          SegmentUnusable: (fault) => Effect.as(warnOfSegment(directory, fault), undefined)
        }),
      unsafeIsApart: work.unsafeIsStarted
    }
  })

/**
 * The error for a thread that died, with Node's code if there is one, such as
 * `ERR_WORKER_OUT_OF_MEMORY`.
 */
const threadFailure = (directory: string, { cause }: ThreadDied): FileError => {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  const known = typeof code === "string" ? code : "EWORKER"
  return new StorageError({
    operation: "merge in a thread",
    path: directory,
    code: known,
    ...(cause === undefined ? {} : { cause })
  })
}

/**
 * Flushes and merges in a thread of the provided platform. For bundles, which must say where the program of the
 * thread is.
 *
 * @since 3.0.0
 * @category layers
 */
export const layerPlatform = (
  options: LsmOptions.LsmOptions
): Layer.Layer<TableMerger, InvalidArgument, Storage.Storage | Worker.PlatformWorker | Worker.Spawner> =>
  Layer.scoped(TableMerger, make(options))

/**
 * Flushes and merges in a thread of Node. The thread always uses the real file system, whatever `Storage` the
 * store uses.
 *
 * @since 3.0.0
 * @category layers
 */
export const layer = (options: LsmOptions.LsmOptions): Layer.Layer<TableMerger, InvalidArgument, Storage.Storage> =>
  Layer.provide(
    layerPlatform(options),
    NodeWorker.layerPlatform(
      () => new NodeThread(new URL("./internal/thread/compactionThread.js", import.meta.url), { execArgv: [] })
    )
  )

/**
 * `LsmStore.layer` with flushes and compactions in a worker of `@effect/platform`.
 *
 * @example
 * ```ts
 * import * as CompactionWorker from "effect-lsm/CompactionWorker"
 *
 * const store = CompactionWorker.layerStore({ directory: "./data" })
 * ```
 *
 * @since 3.0.0
 * @category layers
 */
export const layerStore = (options: LsmOptions.LsmOptions): Layer.Layer<LsmStore.LsmStore, OpenError> =>
  Layer.scoped(LsmStore.LsmStore, makeStore(options))

/**
 * `LsmStore.make` with flushes and compactions in a worker of `@effect/platform`.
 *
 * @since 3.0.0
 * @category constructors
 */
export const makeStore = (options: LsmOptions.LsmOptions): Effect.Effect<Store.Store, OpenError, Scope.Scope> =>
  // Resolved once: a relative directory must not be resolved again by the thread.
  Effect.flatMap(LsmOptions.resolveOptions(options), (settings) => LsmStore.make(settings, { merger: layer(settings) }))
