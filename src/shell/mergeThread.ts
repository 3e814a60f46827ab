import * as Worker from "@effect/platform/Worker"
import { WorkerError } from "@effect/platform/WorkerError"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
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
 * A platform whose workers die once: `died` is told, and their owner is to close them. The manager of workers by itself would
 * wait a second and start the same one again, requests that wait for an answer notwithstanding.
 */
const mortal = (
  platform: Worker.PlatformWorker,
  died: (error: WorkerError) => Effect.Effect<void>
): Worker.PlatformWorker => ({
  ...platform,
  spawn: <I, O>(id: number) =>
    Effect.map(
      platform.spawn<I, O>(id),
      (backing): Worker.BackingWorker<I, O> => ({
        send: backing.send,
        run: (handler) =>
          Effect.catchAllCause(backing.run(handler), (cause) =>
            Cause.isInterruptedOnly(cause)
              ? Effect.interrupt
              : Effect.zipRight(died(toWorkerError(cause)), Effect.never)
          )
      })
    )
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

/** Starts a thread, and waits until it is ready. */
export const startThread = (
  parent: Scope.Scope
): Effect.Effect<MergeThread, WorkerError, Worker.PlatformWorker | Worker.Spawner> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const platform = yield* Worker.PlatformWorker
      const spawn = yield* Worker.Spawner
      const scope = yield* Scope.fork(parent, ExecutionStrategy.sequential)
      const died = yield* Deferred.make<never, WorkerError>()
      let isDead = false
      let handle: Referenced | undefined
      // Also within a region that is not to be interrupted, whichever ends first interrupts the other.
      const unlessDead = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | WorkerError> =>
        Effect.raceFirst(Effect.interruptible(effect), Effect.interruptible(Deferred.await(died)))
      const noteDeath = (error: WorkerError) =>
        Effect.suspend(() => {
          isDead = true
          return Deferred.fail(died, error)
        })
      const start = Worker.makeManager.pipe(
        Effect.provideService(Worker.PlatformWorker, mortal(platform, noteDeath)),
        Effect.flatMap((manager) =>
          Effect.provideService(Worker.makeSerialized<MergeRequest>({}), Worker.WorkerManager, manager)
        ),
        Effect.provideService(Worker.Spawner, (id) => {
          handle = spawn(id) as Referenced
          return handle
        }),
        Scope.extend(scope)
      )
      const worker = yield* restore(unlessDead(start)).pipe(Effect.onError(() => Scope.close(scope, Exit.void)))
      return {
        merge: (request) => unlessDead(worker.executeEffect(request)),
        settle: (request) => unlessDead(worker.executeEffect(request)),
        unsafeIsDead: () => isDead,
        unsafeKeepAlive: (keep) => (keep ? handle?.ref?.() : handle?.unref?.()),
        close: Scope.close(scope, Exit.void)
      }
    })
  )
