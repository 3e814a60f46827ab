import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RpcClient from "effect/rpc/RpcClient"
import { RpcClientError } from "effect/rpc/RpcClientError"
import * as Scope from "effect/Scope"
import * as Worker from "effect/workers/Worker"
import { WorkerError } from "effect/workers/WorkerError"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"
import type { FileError } from "../../LsmError.js"
import type { SegmentUnusable } from "../background/segmentUnusable.js"
import type { Referenced, StoreThread, ThreadWorkKind } from "../background/storeThread.js"
import { ThreadDied } from "../background/threadDied.js"
import { Merges } from "./mergeProtocol.js"

/** The first failure of a thread. All that comes later follows from it. */
class Death {
  reported: ThreadDied | undefined
  private readonly first = Deferred.makeUnsafe<never, ThreadDied>()

  report(cause: unknown): void {
    if (this.reported !== undefined) return
    this.reported = new ThreadDied({ cause })
    Deferred.doneUnsafe(this.first, Exit.fail(this.reported))
  }

  /** Fails when the thread dies. */
  readonly awaited: Effect.Effect<never, ThreadDied> = Deferred.await(this.first)
}

/**
 * A platform whose workers stay dead: the client's protocol runs a worker again a second after it
 * has died, and would start another thread.
 */
const mortal = ({ spawn }: Worker.WorkerPlatform["Service"], death: Death): Worker.WorkerPlatform["Service"] => ({
  spawn: <O, I>(id: number) =>
    Effect.map(spawn<O, I>(id), (worker): Worker.Worker<O, I> => {
      const run: Worker.Worker<O, I>["run"] = (handler, options) =>
        Effect.suspend(() =>
          death.reported === undefined
            ? Effect.tapCause(worker.run(handler, options), (cause) =>
                Effect.sync(() => {
                  if (!Cause.hasInterruptsOnly(cause)) death.report(causeOf(Cause.squash(cause)))
                })
              )
            : Effect.never
        )
      return { send: worker.send, run }
    })
})

/** What the platform reported, such as an error of Node with its code. */
const causeOf = (error: unknown): unknown => (error instanceof WorkerError ? (error.reason.cause ?? error) : error)

/**
 * Starts a thread and waits until it is ready. Only this wait is interruptible, and an interruption
 * ends the thread: the caller gets the thread, or there is none.
 */
export const startThread = (
  parent: Scope.Scope
): Effect.Effect<StoreThread, ThreadDied, Worker.WorkerPlatform | Worker.Spawner> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const death = new Death()
      const platform = mortal(yield* Worker.WorkerPlatform, death)
      const spawn = yield* Worker.Spawner
      const scope = yield* Scope.fork(parent, "sequential")
      const close = Scope.close(scope, Exit.void)
      let handle: Referenced | undefined
      // A merge and a flush that are being interrupted, and the requests to settle.
      const protocol = yield* RpcClient.makeProtocolWorker({ size: 1, concurrency: 4 }).pipe(
        Effect.provideService(Worker.WorkerPlatform, platform),
        Effect.provideService(Worker.Spawner, (id) => {
          handle = spawn(id) as Referenced
          return handle
        }),
        Scope.provide(scope),
        Effect.orDie
      )
      const client = yield* RpcClient.make(Merges, { disableTracing: true }).pipe(
        Effect.provideService(RpcClient.Protocol, protocol),
        Scope.provide(scope)
      )
      // The client does not hear of every death: a thread that cannot be made is a defect of its pool.
      const unlessDead = <A, E>(request: Effect.Effect<A, E | RpcClientError>): Effect.Effect<A, E | ThreadDied> =>
        Effect.suspend(() =>
          death.reported === undefined
            ? Effect.raceFirst(Effect.interruptible(request), Effect.interruptible(death.awaited))
            : Effect.fail(death.reported)
        ).pipe(
          Effect.catchIf(
            (error): error is RpcClientError => error instanceof RpcClientError,
            (error) => Effect.fail(death.reported ?? new ThreadDied({ cause: error }))
          )
        )
      const settle = (kind: ThreadWorkKind) => unlessDead<void, never>(client.Settle({ kind }))
      yield* Effect.onError(Effect.interruptible(settle("merge")), () => close)
      yield* Scope.addFinalizer(
        scope,
        Effect.sync(() => death.report(new Error("closed")))
      )
      return {
        merge: (request) => unlessDead<WriterJobResult, FileError>(client.Merge(request)),
        flush: (request) => unlessDead<WriterJobResult, FileError | SegmentUnusable>(client.Flush(request)),
        settle,
        unsafeIsDead: () => death.reported !== undefined,
        unsafeKeepAlive: (keep) => (keep ? handle?.ref?.() : handle?.unref?.()),
        close
      }
    })
  )
