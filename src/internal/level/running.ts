import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { evaluateNow, Later } from "../effect/immediate.js"
import { toLevelError } from "./levelError.js"

/** Runs an Effect for callers who know of none. Rejects with a `LevelError` if it fails with an error of a store. */
export const runPromise = async <A, E>(effect: Effect.Effect<A, E>): Promise<A> => {
  const exit = await Effect.runPromiseExit(effect)
  if (Exit.isSuccess(exit)) return exit.value
  throw toLevelError(Cause.squash(exit.cause))
}

/** The same without a fiber if the Effect succeeds at once. */
export const runNow = <A, E>(effect: Effect.Effect<A, E>): A | Promise<A> => {
  const outcome = evaluateNow(effect)
  return outcome instanceof Later ? runPromise(outcome.effect) : outcome
}
