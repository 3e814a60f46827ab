import * as Effect from "effect/Effect"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService } from "../../Storage.js"

/** Runs a generator of slices to its end, the event loop turning in between. */
export const runSlices = <A>(storage: StorageService, steps: Generator<void, A>): Effect.Effect<A, FileError> => {
  const step = attempt(() => steps.next())
  const run: Effect.Effect<A, FileError> = Effect.flatMap(step, (next) =>
    next.done === true ? Effect.succeed(next.value) : Effect.zipRight(storage.yieldToEventLoop, run)
  )
  return run
}
