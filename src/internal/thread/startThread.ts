import * as Worker from "@effect/platform/Worker"
import { WorkerError } from "@effect/platform/WorkerError"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ParseResult from "effect/ParseResult"
import * as Scope from "effect/Scope"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"
import type { FileError } from "../../LsmError.js"
import type { SegmentUnusable } from "../background/segmentUnusable.js"
import type { Referenced, StoreThread } from "../background/storeThread.js"
import { ThreadDied } from "../background/threadDied.js"
import { Flush, Merge, type Request, Settle } from "./mergeProtocol.js"

/**
 * A platform whose workers stay dead: when one dies, `died` is called and waiting requests fail.
 * Without this, the worker manager restarts the worker a second later.
 */
const mortal = (platform: Worker.PlatformWorker, died: (error: WorkerError) => void): Worker.PlatformWorker => ({
  ...platform,
  spawn: <I, O>(id: number) =>
    Effect.map(platform.spawn<I, O>(id), (backing): Worker.BackingWorker<I, O> => {
      let isDead = false
      return {
        send: backing.send,
        run: (handler) =>
          Effect.suspend(() =>
            isDead
              ? Effect.never
              : Effect.catchAllCause(backing.run(handler), (cause) => {
                  if (Cause.isInterruptedOnly(cause)) return Effect.interrupt
                  isDead = true
                  const error = toWorkerError(cause)
                  died(error)
                  return Effect.fail(error)
                })
          )
      }
    })
})

const toWorkerError = (cause: Cause.Cause<unknown>): WorkerError => {
  const error = Cause.squash(cause)
  return error instanceof WorkerError ? error : new WorkerError({ reason: "unknown", cause: error })
}

const isWorkerError = (error: unknown): error is WorkerError => error instanceof WorkerError
const isParseError = (error: unknown): error is ParseResult.ParseError => ParseResult.isParseError(error)
const toThreadDied = ({ cause }: WorkerError): ThreadDied => new ThreadDied({ cause })

/**
 * Starts a thread and waits until it is ready. Only this wait is interruptible, and an interruption
 * ends the thread: the caller gets the thread, or there is none.
 */
export const startThread = (
  parent: Scope.Scope
): Effect.Effect<StoreThread, ThreadDied, Worker.PlatformWorker | Worker.Spawner> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const platform = yield* Worker.PlatformWorker
      const spawn = yield* Worker.Spawner
      const scope = yield* Scope.fork(parent, ExecutionStrategy.sequential)
      const ready = yield* Deferred.make<Worker.SerializedWorker<Request>, WorkerError>()
      let handle: Referenced | undefined
      let death: WorkerError | undefined
      const died = (error: WorkerError): void => {
        death ??= error
        Deferred.unsafeDone(ready, Exit.fail(error))
      }
      yield* Worker.makeManager.pipe(
        Effect.provideService(Worker.PlatformWorker, mortal(platform, died)),
        Effect.flatMap((manager) =>
          Effect.provideService(Worker.makeSerialized<Request>({}), Worker.WorkerManager, manager)
        ),
        Effect.provideService(Worker.Spawner, (id) => {
          handle = spawn(id) as Referenced
          return handle
        }),
        Scope.extend(scope),
        Effect.intoDeferred(ready),
        Effect.interruptible,
        // The sender of a request gets its error, so it is not logged as well.
        Logger.withMinimumLogLevel(LogLevel.None),
        Effect.forkIn(scope)
      )
      const worker = yield* Deferred.await(ready).pipe(
        Effect.interruptible,
        Effect.onError(() => Scope.close(scope, Exit.void)),
        Effect.mapError(toThreadDied)
      )
      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => died(new WorkerError({ reason: "unknown", cause: new Error("closed") })))
      )
      // When the thread dies, a waiting request fails with a defect. Replace it by the death
      // itself.
      const unlessDead = <A, E>(
        request: Effect.Effect<A, E | WorkerError | ParseResult.ParseError>
      ): Effect.Effect<A, E | ThreadDied> =>
        Effect.suspend(() => (death === undefined ? request : Effect.fail(death))).pipe(
          Effect.catchAllCause((cause) =>
            Effect.failCause(death === undefined || Cause.isInterruptedOnly(cause) ? cause : Cause.fail(death))
          ),
          Effect.catchIf(isParseError, Effect.die),
          Effect.catchIf(isWorkerError, (error) => Effect.fail(toThreadDied(error)))
        )
      return {
        merge: (request) => unlessDead<WriterJobResult, FileError>(worker.executeEffect(new Merge(request))),
        flush: (request) =>
          unlessDead<WriterJobResult, FileError | SegmentUnusable>(worker.executeEffect(new Flush(request))),
        settle: (kind) => unlessDead<void, never>(worker.executeEffect(new Settle({ kind }))),
        unsafeIsDead: () => death !== undefined,
        unsafeKeepAlive: (keep) => (keep ? handle?.ref?.() : handle?.unref?.()),
        close: Scope.close(scope, Exit.void)
      }
    })
  )
