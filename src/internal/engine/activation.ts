import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import { type FileError, StorageError, StoreClosed, type WriteError } from "../../LsmError.js"
import type { LazyFibers } from "../effect/lazyFibers.js"
import { annotate } from "../effect/logging.js"
import { Signal } from "../effect/signal.js"
import { isFatal } from "../storage/fatalErrors.js"
import type { Engine } from "./engine.js"

/**
 * Returns an Effect that requests activation: it waits until the store is writable. A fiber of the
 * store does the work, so that background work inherits nothing from the first writer.
 *
 * If activation fails, all waiting requests fail, and the next request tries again. After a fatal
 * error the store takes no more writes.
 *
 * A store that was closed in order and has nothing to flush or compact is activated by its first
 * write. A store that is only read stays as it is, byte for byte.
 */
export const activateWhenAsked = (
  engine: Engine,
  makeWritable: Effect.Effect<unknown, FileError>,
  fibers: LazyFibers
): Effect.Effect<void, WriteError> => {
  const { directory } = engine.parts.settings
  const unexpected = new StorageError({ operation: "begin", path: directory, code: "EUNEXPECTED" })
  const asked = new Signal()
  let outcome = Deferred.unsafeMake<void, WriteError>(FiberId.none)

  const once = Effect.flatMap(Effect.exit(makeWritable), (exit) => {
    const waitedFor = outcome
    if (Exit.isSuccess(exit)) {
      engine.isActive = true
      return Deferred.succeed(waitedFor, undefined)
    }
    const known = Cause.failureOption(exit.cause)
    const failure = Option.getOrElse(known, () => unexpected)
    // After a defect we do not know how much was done.
    if (Option.isNone(known) || isFatal(failure)) engine.poisonWith(failure)
    outcome = Deferred.unsafeMake(FiberId.none)
    asked.lower()
    const report = Effect.logError("could not make the store writable", exit.cause).pipe(
      annotate("LsmStore", { directory })
    )
    return Effect.zipRight(
      Deferred.fail(waitedFor, failure),
      Option.isNone(known) ? Effect.ignoreLogged(Effect.sandbox(report)) : Effect.void
    )
  })
  const untilBegun = Effect.gen(function* () {
    while (!engine.isActive) {
      yield* asked.wait
      yield* Effect.uninterruptible(once)
    }
  })
  const start = fibers.startOnRequest(untilBegun)
  const refusal = new StoreClosed({ directory })
  fibers.afterEnd(Effect.suspend(() => Deferred.fail(outcome, refusal)))
  return Effect.suspend(() => {
    if (engine.isActive) return Effect.void
    if (!start()) return Effect.fail(refusal)
    asked.raise()
    return Deferred.await(outcome)
  })
}
