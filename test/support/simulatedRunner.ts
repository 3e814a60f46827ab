import { WorkerError } from "@effect/platform/WorkerError"
import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"

/** How a program of a thread sends and receives messages. */
export interface Port {
  readonly send: (message: unknown) => void
  /** Delivers all messages to `receiver`, those that have come already too. */
  readonly receive: (receiver: (message: unknown) => void) => void
}

/** Gives a program of a thread its port. */
export const provideRunner =
  (port: Port) =>
  <A, E>(program: Effect.Effect<A, E, WorkerRunner.PlatformRunner>): Effect.Effect<A, E> =>
    Effect.provideService(program, WorkerRunner.PlatformRunner, runnerOf(port))

const runnerOf = ({ send, receive }: Port): WorkerRunner.PlatformRunner => ({
  [WorkerRunner.PlatformRunnerTypeId]: WorkerRunner.PlatformRunnerTypeId,
  start: <I, O>(closeLatch: Deferred.Deferred<void, WorkerError>) =>
    Effect.succeed<WorkerRunner.BackingRunner<I, O>>({
      send: (_port, message) => Effect.sync(() => send([1, message])),
      run: (handler) =>
        Effect.map(Effect.runtime<never>(), (runtime) => {
          send([0])
          receive((message) => {
            const [kind, request] = message as WorkerRunner.BackingRunner.Message<I>
            if (kind === 1) return Deferred.unsafeDone(closeLatch, Exit.void)
            const handled = handler(0, request)
            // The runtime provides the services that the handler requires.
            if (Effect.isEffect(handled)) Runtime.runFork(runtime)(handled as Effect.Effect<unknown>)
          })
        })
    })
})

/** The error of a platform whose worker has ended. */
export const workerExited = (): WorkerError => new WorkerError({ reason: "unknown", cause: new Error("exited") })
