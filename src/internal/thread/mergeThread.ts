import * as Worker from "@effect/platform/Worker"
import { WorkerError } from "@effect/platform/WorkerError"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import type { ParseError } from "effect/ParseResult"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Merge, MergeRequest, Settle } from "./mergeMessages.js"

/**
 * A worker thread that merges tables. It ends with the scope in which it was started, or when it is
 * closed.
 */
export interface MergeThread {
  /** Fails with a `WorkerError` when the thread dies. */
  readonly merge: (request: Merge) => Effect.Effect<Schema.WithResult.Success<Merge>, Failure<Merge>>
  readonly settle: (request: Settle) => Effect.Effect<void, Failure<Settle>>
  readonly unsafeIsDead: () => boolean
  /** Sets whether the thread keeps the process alive. By default it does. */
  readonly unsafeKeepAlive: (keep: boolean) => void
  readonly close: Effect.Effect<void>
}

type Failure<A extends MergeRequest> = Schema.WithResult.Failure<A> | WorkerError | ParseError

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

/** Node's threads and child processes have these, so that a process can end while they run. */
interface Referenced {
  readonly ref?: () => void
  readonly unref?: () => void
}

/**
 * Starts a thread and waits until it is ready. Only this wait is interruptible, and an interruption
 * ends the thread: the caller gets the thread, or there is none.
 */
export const startThread = (
  parent: Scope.Scope
): Effect.Effect<MergeThread, WorkerError, Worker.PlatformWorker | Worker.Spawner> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const platform = yield* Worker.PlatformWorker
      const spawn = yield* Worker.Spawner
      const scope = yield* Scope.fork(parent, ExecutionStrategy.sequential)
      const ready = yield* Deferred.make<Worker.SerializedWorker<MergeRequest>, WorkerError>()
      let handle: Referenced | undefined
      let death: WorkerError | undefined
      const died = (error: WorkerError): void => {
        death ??= error
        Deferred.unsafeDone(ready, Exit.fail(error))
      }
      yield* Worker.makeManager.pipe(
        Effect.provideService(Worker.PlatformWorker, mortal(platform, died)),
        Effect.flatMap((manager) =>
          Effect.provideService(Worker.makeSerialized<MergeRequest>({}), Worker.WorkerManager, manager)
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
      const worker = yield* Effect.onError(Effect.interruptible(Deferred.await(ready)), () =>
        Scope.close(scope, Exit.void)
      )
      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => died(new WorkerError({ reason: "unknown", cause: new Error("closed") })))
      )
      // When the thread dies, a waiting request fails with a defect. Replace it by the death
      // itself.
      const unlessDead = <A, E>(request: Effect.Effect<A, E>) =>
        Effect.suspend(
          (): Effect.Effect<A, E | WorkerError> => (death === undefined ? request : Effect.fail(death))
        ).pipe(
          Effect.catchAllCause(
            (cause): Effect.Effect<never, E | WorkerError> =>
              death === undefined || Cause.isInterruptedOnly(cause) ? Effect.failCause(cause) : Effect.fail(death)
          )
        )
      return {
        merge: (request) => unlessDead(worker.executeEffect(request)),
        settle: (request) => unlessDead(worker.executeEffect(request)),
        unsafeIsDead: () => death !== undefined,
        unsafeKeepAlive: (keep) => (keep ? handle?.ref?.() : handle?.unref?.()),
        close: Scope.close(scope, Exit.void)
      }
    })
  )
