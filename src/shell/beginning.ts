import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import { type FileError, StoreClosed, type WriteError } from "../LsmError.js"
import type { Engine } from "./engine.js"
import { losesTrust } from "./trust.js"

/**
 * Makes a store writable when that is first asked for, by a fiber of the store's own, so that background work inherits nothing from the
 * write that asked. Answers how to ask. What fails is told to those who wait, and tried again for the next one.
 *
 * A store that was closed in order and has nothing to be done is read before a byte of it is written, and stays as it is where
 * nothing is written to it.
 */
export const beginWhenAsked = (
  engine: Engine,
  makeWritable: Effect.Effect<unknown, FileError>,
  scope: Scope.Scope
): Effect.Effect<Effect.Effect<void, WriteError>> =>
  Effect.gen(function* () {
    const asked = yield* Effect.makeLatch(false)
    const noFiber = FiberId.none
    let outcome = Deferred.unsafeMake<void, WriteError>(noFiber)

    const once = Effect.flatMap(Effect.exit(makeWritable), (exit) => {
      const waitedFor = outcome
      if (Exit.isSuccess(exit)) engine.hasBegun = true
      else {
        const failure = Cause.failureOption(exit.cause)
        if (Option.isSome(failure) && losesTrust(failure.value)) engine.poisonWith(failure.value)
        outcome = Deferred.unsafeMake(noFiber)
        asked.unsafeClose()
      }
      return Deferred.done(waitedFor, Exit.asVoid(exit))
    })
    const untilBegun = Effect.gen(function* () {
      while (!engine.hasBegun) {
        yield* asked.await
        yield* Effect.uninterruptible(once)
      }
    })
    const directory = engine.parts.settings.directory
    const refuse = Effect.suspend(() => Deferred.fail(outcome, new StoreClosed({ directory })))
    yield* Effect.forkIn(Effect.interruptible(untilBegun).pipe(Effect.ensuring(refuse)), scope)
    return Effect.suspend(() => {
      if (engine.hasBegun) return Effect.void
      asked.unsafeOpen()
      return Deferred.await(outcome)
    })
  })
