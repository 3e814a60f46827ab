import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { filesAtMost, valueFilesAtMost } from "../../core/compaction/mergeInputs.js"
import { parseFileName } from "../../core/storage/fileNames.js"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"
import type { FileError } from "../../LsmError.js"
import { type Settings, valueFileBytes } from "../../LsmOptions.js"
import { Storage } from "../../Storage.js"
import type { FlushJob, MergeJob } from "../../TableMerger.js"
import type { SegmentUnusable } from "./segmentUnusable.js"
import type { StartThread, StoreThread, ThreadWorkKind } from "./storeThread.js"
import type { ThreadDied } from "./threadDied.js"

/** Flushes and merges in a thread that is started when there is work. */
export interface ThreadWork {
  readonly merge: (job: MergeJob) => Effect.Effect<WriterJobResult, FileError | ThreadDied>
  readonly flush: (job: FlushJob) => Effect.Effect<WriterJobResult, FileError | SegmentUnusable | ThreadDied>
  readonly unsafeIsStarted: () => boolean
}

/** How many files were written. A log segment that is kept for its values is not new. */
const newFiles = ({ tables, valueFiles }: WriterJobResult): number =>
  tables.length + valueFiles.filter(({ kind }) => kind === "values").length

/**
 * Work in one thread: at most one merge and one flush at a time. If the thread dies, the work fails
 * with `ThreadDied`, its files are removed, and the next job starts a new thread.
 */
export const makeThreadWork = (
  settings: Settings,
  start: StartThread
): Effect.Effect<ThreadWork, never, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const { directory, maxOpenTables, blockBytes, restartInterval, filterFalsePositiveRate, compression } = settings
    const { valueThreshold, fileMode, directoryMode } = settings
    const valueFileSize = valueFileBytes(settings)
    const options = {
      directory,
      maxOpenTables,
      valueThreshold,
      valueFileBytes: valueFileSize,
      blockBytes,
      restartInterval,
      filterFalsePositiveRate,
      compression,
      fileMode,
      directoryMode
    }
    const storage = yield* Storage
    // Fork it now: finalizers run in reverse order, so it ends after everything added to the scope
    // later.
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
    const starting = yield* Effect.makeSemaphore(1)
    const oneAtATime = { merge: yield* Effect.makeSemaphore(1), flush: yield* Effect.makeSemaphore(1) }
    let thread: StoreThread | undefined
    const jobs = new WeakMap<StoreThread, number>()
    /** Allocated numbers that earlier jobs did not use. */
    let spare: Array<number> = []

    const isStarted = () => thread !== undefined && !thread.unsafeIsDead()

    const acquire = Effect.suspend(() => {
      const current = thread
      if (current !== undefined && !current.unsafeIsDead()) return Effect.succeed(current)
      return Effect.zipRight(
        current === undefined ? Effect.void : discard(current),
        Effect.tap(start(scope), (started) =>
          Effect.sync(() => {
            started.unsafeKeepAlive(false)
            thread = started
          })
        )
      )
    }).pipe(starting.withPermits(1))

    const discard = (old: StoreThread) =>
      Effect.suspend(() => {
        if (thread === old) thread = undefined
        return old.close
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

    const keepAlive = (started: StoreThread, change: 1 | -1) =>
      Effect.sync(() => {
        const count = (jobs.get(started) ?? 0) + change
        jobs.set(started, count)
        started.unsafeKeepAlive(count > 0)
      })

    /** Does one job, which writes at most `most` files. */
    const run = <E>(
      kind: ThreadWorkKind,
      allocate: () => number,
      most: number,
      work: (started: StoreThread, fileNumbers: ReadonlyArray<number>) => Effect.Effect<WriterJobResult, E>
    ): Effect.Effect<WriterJobResult, E | FileError | ThreadDied> =>
      Effect.gen(function* () {
        const fileNumbers = spare.splice(0, most)
        while (fileNumbers.length < most) fileNumbers.push(allocate())
        const giveBack = (numbers: ReadonlyArray<number>) =>
          Effect.sync(() => {
            spare = [...numbers, ...spare]
          })
        const [started, foreign] = yield* Effect.zip(acquire, outputAmong(fileNumbers)).pipe(
          Effect.onError(() => giveBack(fileNumbers))
        )
        yield* keepAlive(started, 1)
        const exit = yield* Effect.exit(Effect.interruptible(work(started, fileNumbers)))
        if (Exit.isSuccess(exit)) {
          yield* giveBack(fileNumbers.slice(newFiles(exit.value)))
        } else {
          // Wait until the thread has ended the job, or end the thread, before anything else
          // happens here.
          const settled = yield* Effect.exit(started.settle(kind))
          if (Exit.isFailure(settled)) yield* discard(started)
          yield* removeOutput(fileNumbers, foreign)
        }
        yield* keepAlive(started, -1)
        // The thread does not hold the lock. Listing fails if the directory was replaced while it
        // wrote.
        if (Exit.isSuccess(exit)) yield* outputAmong(fileNumbers)
        return yield* exit
      }).pipe(Effect.uninterruptible, oneAtATime[kind].withPermits(1))

    return {
      merge: ({ collect = [], allocate, ...job }) =>
        run("merge", allocate, filesAtMost(job.runs, job.targetSize, valueFileSize), (started, fileNumbers) =>
          started.merge({ ...job, options, collect, fileNumbers })
        ),
      flush: ({ dataBytes, allocate, ...job }) => {
        const valueFiles =
          valueThreshold === Number.POSITIVE_INFINITY ? 0 : valueFilesAtMost(dataBytes, job.sequences, valueFileSize)
        return run("flush", allocate, 1 + valueFiles, (started, fileNumbers) =>
          started.flush({ ...job, options, fileNumbers })
        )
      },
      unsafeIsStarted: isStarted
    }
  })
