import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Scope from "effect/Scope"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"
import type { FileError } from "../../LsmError.js"
import type { Settings } from "../../LsmOptions.js"
import { SSTableStore } from "../../SSTableStore.js"
import { Storage } from "../../Storage.js"
import { fromTables, type TableMergerService } from "../../TableMerger.js"
import { logDebug } from "../effect/logging.js"
import { component, warnOfDeath, warnOfSegment, warnOfStart } from "./fallBack.js"
import { ThreadDied } from "./threadDied.js"
import type { ThreadWork } from "./threadWork.js"

/**
 * Work on fewer bytes of keys and values does not start the thread: it is done before a thread
 * would be ready.
 */
const defaultLeast = 1024 * 1024
/**
 * Merges of less than this many times as many do not start it at first, because V8 compiles the code
 * anew in a thread. When all of them together had twice this, the next one starts it.
 */
const largeMerge = 4

/**
 * Merges and flushes in a thread of Node, which runs `program`. The thread is started by the first
 * work that is large enough. If it cannot be started, the store's own thread does all work from
 * then on. If it dies during work, the store's own thread does that work.
 */
export const mergerInThread = (
  settings: Settings,
  program: () => URL,
  leastToStart = defaultLeast
): Effect.Effect<TableMergerService, never, Storage | SSTableStore | Scope.Scope> =>
  Effect.gen(function* () {
    const { directory } = settings
    const storage = yield* Storage
    const here = fromTables(yield* SSTableStore)
    const scope = yield* Scope.fork(yield* Effect.scope, ExecutionStrategy.sequential)
    const loading = yield* Effect.makeSemaphore(1)
    let work: ThreadWork | undefined
    let isGivenUp = false
    /** Bytes of the merges that were done here because they are too small to start the thread. */
    let merged = 0

    const giveUp = (report: Effect.Effect<void>) =>
      Effect.suspend(() => {
        if (isGivenUp) return Effect.void
        isGivenUp = true
        return report
      })

    // Loaded now: a store that never flushes needs none of it.
    const load = Effect.gen(function* () {
      const { path, threadWork, nodeThread } = yield* Effect.tryPromise({
        try: async () => ({
          path: program(),
          threadWork: await import("./threadWork.js"),
          nodeThread: await import("./nodeThread.js")
        }),
        catch: (cause) => new ThreadDied({ cause })
      })
      if (path.protocol === "file:" && !existsSync(fileURLToPath(path))) {
        return yield* Effect.fail(new ThreadDied({ cause: new Error(`${fileURLToPath(path)} does not exist`) }))
      }
      const start = nodeThread.startNodeThread(path)
      return yield* threadWork.makeThreadWork(settings, (parent) =>
        start(parent).pipe(
          Effect.tap(() => logDebug(component, "started a thread", {})),
          Effect.tapError((death) => giveUp(warnOfStart(directory, death)))
        )
      )
    }).pipe(
      // A bundle without the thread's program is no fault.
      Effect.tapError(({ cause }) =>
        giveUp(logDebug(component, "flushes and compactions run in this thread", { reason: String(cause) }))
      ),
      Effect.provideService(Storage, storage),
      Scope.extend(scope),
      Effect.tap((made) =>
        Effect.sync(() => {
          work = made
        })
      )
    )
    const acquire = loading.withPermits(1)(Effect.suspend(() => (work === undefined ? load : Effect.succeed(work))))

    const isStarted = (): boolean => !isGivenUp && work?.unsafeIsStarted() === true

    const isThreadFlush = (bytes: number): boolean => isStarted() || (!isGivenUp && bytes >= leastToStart)

    const isThreadMerge = (bytes: number): boolean => {
      const large = leastToStart * largeMerge
      const starts = bytes >= large || (bytes >= leastToStart && merged >= large * 2)
      if (isStarted() || (!isGivenUp && starts)) return true
      merged += bytes
      return false
    }

    /** Does work in the thread, or as `otherwise` if the thread cannot do it. */
    const run = <A>(
      isThreadWork: () => boolean,
      inThread: (work: ThreadWork) => Effect.Effect<A, FileError | ThreadDied>,
      otherwise: Effect.Effect<A, FileError>
    ): Effect.Effect<A, FileError> =>
      Effect.suspend(() => {
        if (!isThreadWork()) return otherwise
        const tried: Effect.Effect<A, FileError | ThreadDied> = Effect.flatMap(acquire, inThread)
        return Effect.catchTag(tried, "ThreadDied", (death) =>
          Effect.zipRight(isGivenUp ? Effect.void : warnOfDeath(directory, death), otherwise)
        )
      })

    return {
      merge: (job) => {
        const bytes = job.runs.flat().reduce((sum, { rawBytes }) => sum + rawBytes, 0)
        return run(
          () => isThreadMerge(bytes),
          (thread) => thread.merge(job),
          here.merge(job)
        )
      },
      flush: (job) =>
        run<WriterJobResult | undefined>(
          () => isThreadFlush(job.dataBytes),
          (thread) =>
            Effect.catchTag(thread.flush(job), "SegmentUnusable", (fault) =>
              Effect.as(warnOfSegment(directory, fault), undefined)
            ),
          Effect.succeed(undefined)
        ),
      unsafeIsApart: isStarted
    }
  })
