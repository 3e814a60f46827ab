/**
 * Compactions in a worker thread, so that they take no time of the event loop. It replaces the
 * usual `TableMerger`.
 *
 * The main thread sends the list of tables to merge and receives the list of tables written. The
 * worker thread reads, merges, writes and syncs with its own file descriptors. It starts at the
 * first compaction, does one job at a time, ends with the store, and does not keep the process
 * alive while it is idle. The main thread still decides when to compact, delays writers, and owns
 * the manifest.
 *
 * @since 3.0.0
 */
import { Worker as NodeThread } from "node:worker_threads"
import type * as Worker from "@effect/platform/Worker"
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { filesAtMost } from "./core/compaction/mergeInputs.js"
import { parseFileName } from "./core/storage/fileNames.js"
import type { MergeThread } from "./internal/thread/mergeThread.js"
import { startThread } from "./internal/thread/startThread.js"
import type { ThreadDied } from "./internal/thread/threadDied.js"
import { type FileError, type InvalidArgument, type OpenError, StorageError } from "./LsmError.js"
import * as LsmOptions from "./LsmOptions.js"
import * as LsmStore from "./LsmStore.js"
import * as Storage from "./Storage.js"
import type * as Store from "./Store.js"
import { TableMerger, type TableMergerService } from "./TableMerger.js"

/**
 * Merges in a thread of the provided platform. The thread runs the module
 * `internal/thread/compactionThread.js` of this package, or one that does the same. If the thread
 * dies, for example because it ran out of memory, the merge fails with a `StorageError` whose
 * `operation` is `"merge in a thread"`. Its files are removed, and the next job starts a new
 * thread.
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
    const { directory, maxOpenTables, blockBytes, restartInterval, filterFalsePositiveRate, compression } = settings
    const { tableBytes, valueThreshold, fileMode, directoryMode } = settings
    const tableOptions = {
      directory,
      maxOpenTables,
      tableBytes,
      valueThreshold,
      blockBytes,
      restartInterval,
      filterFalsePositiveRate,
      compression,
      fileMode,
      directoryMode
    }
    const storage = yield* Storage.Storage
    // Fork it now: finalizers run in reverse order, so it ends after everything added to the scope
    // later.
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
    const platform = yield* Effect.context<Worker.PlatformWorker | Worker.Spawner>()
    const oneAtATime = yield* Effect.makeSemaphore(1)
    let thread: MergeThread | undefined
    /** Allocated numbers that earlier jobs did not use. */
    let spare: Array<number> = []

    const acquire = Effect.suspend(() => {
      if (thread !== undefined && !thread.unsafeIsDead()) return Effect.succeed(thread)
      return Effect.zipRight(
        discard,
        Effect.tap(Effect.provide(startThread(scope), platform), (started) =>
          Effect.sync(() => {
            thread = started
          })
        )
      )
    })

    const discard = Effect.suspend(() => {
      const old = thread
      thread = undefined
      return old === undefined ? Effect.void : old.close
    })

    /** The names of existing tables and value files with these numbers. */
    const outputAmong = (fileNumbers: ReadonlyArray<number>) => {
      const wanted = new Set(fileNumbers)
      const isOutput = (name: string): boolean => {
        const file = parseFileName(name)
        return (file?.kind === "table" || file?.kind === "values") && wanted.has(file.fileNumber)
      }
      return Effect.map(storage.list(directory), (names) => names.filter(isOutput))
    }

    /**
     * Removes files that a dead thread may have left. Files named in `foreign` existed before and
     * stay.
     */
    const removeOutput = (fileNumbers: ReadonlyArray<number>, foreign: ReadonlyArray<string>) =>
      outputAmong(fileNumbers).pipe(
        Effect.map((names) => names.filter((name) => !foreign.includes(name))),
        Effect.flatMap((names) => {
          const removals = names.map((name) => Effect.ignore(storage.remove(`${directory}/${name}`)))
          return Effect.all(removals, { discard: true })
        }),
        Effect.ignore
      )

    const merge: TableMergerService["merge"] = (job) =>
      Effect.uninterruptible(
        Effect.gen(function* () {
          const { storeId, runs, below, snapshots, targetSize, level, collect = [] } = job
          const needed = filesAtMost(runs, targetSize, LsmOptions.valueFileBytes(settings))
          while (spare.length < needed) spare.push(job.allocate())
          const started = yield* acquire
          const foreign = yield* outputAmong(spare.slice(0, needed))
          const fileNumbers = spare.splice(0, needed)
          const request = {
            options: tableOptions,
            storeId,
            runs,
            below,
            snapshots,
            targetSize,
            level,
            collect,
            fileNumbers
          }
          started.unsafeKeepAlive(true)
          const exit = yield* Effect.exit(Effect.interruptible(started.merge(request)))
          if (Exit.isSuccess(exit)) {
            const { tables, valueFiles } = exit.value
            spare = [...fileNumbers.slice(tables.length + valueFiles.length), ...spare]
          } else {
            // Wait until the thread has ended the job, or end the thread, before anything else
            // happens here.
            const settled = yield* Effect.exit(started.settle)
            if (Exit.isFailure(settled)) yield* discard
            yield* removeOutput(fileNumbers, foreign)
          }
          started.unsafeKeepAlive(false)
          // The thread does not hold the lock. Listing fails if the directory was replaced while it
          // wrote.
          if (Exit.isSuccess(exit)) yield* outputAmong(fileNumbers)
          return yield* exit
        })
      ).pipe(
        Effect.catchTag("ThreadDied", (death) => Effect.fail(threadFailure(directory, death))),
        oneAtATime.withPermits(1)
      )

    return { merge }
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
 * Merges in a thread of the provided platform. For bundles, which must say where the program of the
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
 * Merges in a thread of Node. The thread always uses the real file system, whatever `Storage` the
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
 * `LsmStore.layer` with compactions in a worker thread.
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
 * `LsmStore.make` with compactions in a worker thread.
 *
 * @since 3.0.0
 * @category constructors
 */
export const makeStore = (options: LsmOptions.LsmOptions): Effect.Effect<Store.Store, OpenError, Scope.Scope> =>
  // Resolved once: a relative directory must not be resolved again by the thread.
  Effect.flatMap(LsmOptions.resolveOptions(options), (settings) => LsmStore.make(settings, { merger: layer(settings) }))
