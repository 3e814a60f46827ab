import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import { type FileError, StorageError, StoreClosed, type WriteError } from "../../LsmError.js"
import type { LazyFibers } from "../effect/lazyFibers.js"
import { annotate } from "../effect/logging.js"
import { isFatal } from "../storage/fatalErrors.js"
import type { Engine } from "./engine.js"

/**
 * Makes a store writable when that is first asked for, by a fiber of the store's own, so that background work inherits nothing from the
 * write that asked. The answer is how to ask. What fails is told to those who wait, and tried again for the next one, unless what is on disk
 * is not known any more: then there are no more writes.
 *
 * A store that was closed in order and has nothing to be done is read before a byte of it is written, and stays as it is where
 * nothing is written to it.
 */
export const activateWhenAsked = (
  engine: Engine,
  makeWritable: Effect.Effect<unknown, FileError>,
  fibers: LazyFibers
): Effect.Effect<void, WriteError> => {
  const { directory } = engine.parts.settings
  const unexpected = new StorageError({ operation: "begin", path: directory, code: "EUNEXPECTED" })
  const asked = Effect.unsafeMakeLatch(false)
  const noFiber = FiberId.none
  let outcome = Deferred.unsafeMake<void, WriteError>(noFiber)

  const once = Effect.flatMap(Effect.exit(makeWritable), (exit) => {
    const waitedFor = outcome
    if (Exit.isSuccess(exit)) {
      engine.isActive = true
      return Deferred.succeed(waitedFor, undefined)
    }
    const known = Cause.failureOption(exit.cause)
    const failure = Option.getOrElse(known, () => unexpected)
    // How far a defect let it come is not known.
    if (Option.isNone(known) || isFatal(failure)) engine.poisonWith(failure)
    outcome = Deferred.unsafeMake(noFiber)
    asked.unsafeClose()
    const tell = Effect.logError("could not make the store writable", exit.cause).pipe(
      annotate("LsmStore", { directory })
    )
    return Effect.zipRight(
      Deferred.fail(waitedFor, failure),
      Option.isNone(known) ? Effect.ignoreLogged(Effect.sandbox(tell)) : Effect.void
    )
  })
  const untilBegun = Effect.gen(function* () {
    while (!engine.isActive) {
      yield* asked.await
      yield* Effect.uninterruptible(once)
    }
  })
  const start = fibers.startOnRequest(untilBegun)
  const refusal = new StoreClosed({ directory })
  fibers.afterEnd(Effect.suspend(() => Deferred.fail(outcome, refusal)))
  return Effect.suspend(() => {
    if (engine.isActive) return Effect.void
    if (!start()) return Effect.fail(refusal)
    asked.unsafeOpen()
    return Deferred.await(outcome)
  })
}
