import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { WorkerError, WorkerReceiveError } from "effect/workers/WorkerError"
import * as WorkerRunner from "effect/workers/WorkerRunner"

/** How a program of a thread sends and receives messages. */
export interface Port {
  readonly send: (message: unknown) => void
  /** Delivers all messages to `receiver`, those that have come already too. */
  readonly receive: (receiver: (message: unknown) => void) => void
}

/** Gives a program of a thread its port. */
export const provideRunner = (port: Port) =>
  Effect.provideService(WorkerRunner.WorkerRunnerPlatform, {
    start: () => Effect.succeed(runnerOf(port))
  })

const runnerOf = <O, I>({ send, receive }: Port): WorkerRunner.WorkerRunner<O, I> => {
  const sendUnsafe = (_port: number, message: O) => send([1, message])
  return {
    sendUnsafe,
    send: (to, message) => Effect.sync(() => sendUnsafe(to, message)),
    run: (handler) =>
      Effect.contextWith((context) => {
        const closed = Deferred.makeUnsafe<void, WorkerError>()
        const fork = Effect.runForkWith(context)
        send([0])
        receive((message) => {
          const [kind, request] = message as WorkerRunner.PlatformMessage<I>
          const handled = kind === 0 ? handler(0, request) : Deferred.succeed(closed, undefined)
          // The context has the services that the handler requires.
          if (Effect.isEffect(handled)) fork(handled as Effect.Effect<unknown>)
        })
        return Deferred.await(closed)
      })
  }
}

/** The error of a platform whose worker has ended. */
export const workerExited = () => new WorkerError({ reason: new WorkerReceiveError({ message: "exited" }) })
