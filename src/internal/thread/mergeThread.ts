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

/** A thread that merges tables. It ends with the scope in which it was started, or when it is closed. */
export interface MergeThread {
  /** Fails with a `WorkerError` when the thread dies. */
  readonly merge: (request: Merge) => Effect.Effect<Schema.WithResult.Success<Merge>, Failure<Merge>>
  readonly settle: (request: Settle) => Effect.Effect<void, Failure<Settle>>
  readonly unsafeIsDead: () => boolean
  /** Whether the thread keeps the process alive; from its start on it does. */
  readonly unsafeKeepAlive: (keep: boolean) => void
  readonly close: Effect.Effect<void>
}

type Failure<A extends MergeRequest> = Schema.WithResult.Failure<A> | WorkerError | ParseError

/**
 * A platform whose workers die once: `died` is told, requests that wait for an answer fail, and that is all. The manager of workers by
 * itself would start the same one again a second later.
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

/** What Node's threads and processes have, to let a process end though they are there. */
interface Referenced {
  readonly ref?: () => void
  readonly unref?: () => void
}

/** Starts a thread, and waits until it is ready. Only that wait is interrupted: whoever asked for the thread gets it, or there is none. */
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
        // Whoever sent the request is told of its end.
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
      // The failure of a request that the thread's death ends arrives undecoded, as no failure of the request at all.
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
