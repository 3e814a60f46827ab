import * as Effect from "effect/Effect"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService } from "../../Storage.js"

/** Runs a generator to its end, and yields to the event loop after each slice. */
export const runSlices = <A>(storage: StorageService, steps: Generator<void, A>): Effect.Effect<A, FileError> => {
  const step = attempt(() => steps.next())
  const run: Effect.Effect<A, FileError> = Effect.flatMap(step, (next) =>
    next.done === true ? Effect.succeed(next.value) : Effect.zipRight(storage.yieldToEventLoop, run)
  )
  return run
}

/** The same. An interruption runs the `finally` blocks of the generator, which close its files. */
export const runSlicesAndClose = <A>(storage: StorageService, steps: Generator<void, A>): Effect.Effect<A, FileError> =>
  Effect.onInterrupt(runSlices(storage, steps), () => Effect.sync(() => void steps.return(undefined as never)))
