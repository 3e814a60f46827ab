/**
 * Compactions in a worker thread, so that they take no time of the event loop: a `TableMerger` in the place of the usual one.
 *
 * The main thread sends the list of tables to be merged and gets back the list of those written; the thread reads, merges, writes and
 * syncs by its own descriptors. It is started at the first compaction, has one job at a time, ends with the store and
 * keeps no process alive that has nothing else to do. Everything else stays where it is: when to compact, how long writers wait,
 * the manifest.
 *
 * @since 0.1.0
 */
import { Worker as NodeThread } from "node:worker_threads"
import type * as Worker from "@effect/platform/Worker"
import type { WorkerError } from "@effect/platform/WorkerError"
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { tablesAtMost } from "./core/compaction/mergeInputs.js"
import { parseFileName } from "./core/storage/fileNames.js"
import { Merge, Settle } from "./internal/thread/mergeMessages.js"
import { type MergeThread, startThread } from "./internal/thread/mergeThread.js"
import { type FileError, type InvalidArgument, type OpenError, StorageError } from "./LsmError.js"
import { type LsmOptions, settings } from "./LsmOptions.js"
import * as LsmStore from "./LsmStore.js"
import * as Storage from "./Storage.js"
import type * as Store from "./Store.js"
import { TableMerger, type TableMergerService } from "./TableMerger.js"

/**
 * Merges in a thread of the platform that is provided, whose program is the module `internal/thread/compactionThread.js` of this package or
 * does the same. A thread that dies, for want of memory for instance, is a `StorageError` whose `operation` is `"merge in a thread"`: what
 * it has written is removed, and the next job gets a new thread.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: LsmOptions
): Effect.Effect<
  TableMergerService,
  InvalidArgument,
  Storage.Storage | Worker.PlatformWorker | Worker.Spawner | Scope.Scope
> =>
  Effect.gen(function* () {
    const config = yield* settings(options)
    const { directory, maxOpenTables, blockBytes, restartInterval, filterFalsePositiveRate, compression } = config
    const { fileMode, directoryMode } = config
    const tableOptions = {
      directory,
      maxOpenTables,
      blockBytes,
      restartInterval,
      filterFalsePositiveRate,
      compression,
      fileMode,
      directoryMode
    }
    const storage = yield* Storage.Storage
    // Made now, so that it ends after all that is begun from here on, the work that waits for a thread included.
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
    const platform = yield* Effect.context<Worker.PlatformWorker | Worker.Spawner>()
    const oneAtATime = yield* Effect.makeSemaphore(1)
    let thread: MergeThread | undefined
    /** Numbers that a job was given and has not needed. */
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

    /** The names of tables with these numbers that are there. */
    const tablesAmong = (fileNumbers: ReadonlyArray<number>) => {
      const given = new Set(fileNumbers)
      const isOutput = (name: string): boolean => {
        const file = parseFileName(name)
        return file?.kind === "table" && given.has(file.fileNumber)
      }
      return Effect.map(storage.list(directory), (names) => names.filter(isOutput))
    }

    /** Removes what there is of tables that a thread may have written and nobody has cleared away; `foreign` was there before. */
    const removeOutput = (fileNumbers: ReadonlyArray<number>, foreign: ReadonlyArray<string>) =>
      tablesAmong(fileNumbers).pipe(
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
          const { storeId, runs, below, snapshots, targetSize, level } = job
          const needed = tablesAtMost(runs, targetSize)
          while (spare.length < needed) spare.push(job.allocate())
          const started = yield* acquire
          const foreign = yield* tablesAmong(spare.slice(0, needed))
          const fileNumbers = spare.splice(0, needed)
          const request = new Merge({
            options: tableOptions,
            storeId,
            runs,
            below,
            snapshots,
            targetSize,
            level,
            fileNumbers
          })
          started.unsafeKeepAlive(true)
          const exit = yield* Effect.exit(Effect.interruptible(started.merge(request)))
          if (Exit.isSuccess(exit)) {
            spare = [...fileNumbers.slice(exit.value.tables.length), ...spare]
          } else {
            // Interrupted or not: the thread has ended the job, or has ended itself, before anything else happens here.
            const settled = yield* Effect.exit(started.settle(new Settle()))
            if (Exit.isFailure(settled)) yield* discard
            yield* removeOutput(fileNumbers, foreign)
          }
          started.unsafeKeepAlive(false)
          // The thread does not hold the lock: if another directory has come to this path meanwhile, its tables are there.
          if (Exit.isSuccess(exit)) yield* tablesAmong(fileNumbers)
          return yield* exit
        })
      ).pipe(
        Effect.catchTag("WorkerError", (error) => Effect.fail(threadFailure(directory, error))),
        Effect.catchTag("ParseError", Effect.die),
        oneAtATime.withPermits(1)
      )

    return { merge }
  })

/** The failure of a thread that died: Node's code where it gives one, such as `ERR_WORKER_OUT_OF_MEMORY`. */
const threadFailure = (directory: string, { cause }: WorkerError): FileError => {
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
 * Merges in a thread of the platform that is provided: for bundles, which say where the thread's program is.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerPlatform = (
  options: LsmOptions
): Layer.Layer<TableMerger, InvalidArgument, Storage.Storage | Worker.PlatformWorker | Worker.Spawner> =>
  Layer.scoped(TableMerger, make(options))

/**
 * Merges in a thread of Node. Its files are those of the file system, whatever the `Storage` is that the store itself stands on.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<TableMerger, InvalidArgument, Storage.Storage> =>
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
 * @since 0.1.0
 * @category layers
 */
export const layerStore = (options: LsmOptions): Layer.Layer<LsmStore.LsmStore, OpenError> =>
  Layer.unwrapEffect(
    Effect.map(settings(options), (resolved) =>
      LsmStore.layerFromComponents(resolved).pipe(
        Layer.provide(LsmStore.layerComponents(resolved, { merger: layer(resolved) })),
        Layer.provide(Storage.layerWith(resolved))
      )
    )
  )

/**
 * `LsmStore.make` with compactions in a worker thread.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeStore = (options: LsmOptions): Effect.Effect<Store.Store, OpenError, Scope.Scope> =>
  Effect.map(Layer.build(layerStore(options)), Context.get(LsmStore.LsmStore))
