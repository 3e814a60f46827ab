import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import type { FiberValue } from "./fiberValue.js"

/** `Effect.locally` would cost as much as all else of a short transaction. */
export const makeFiberValue = <A>(initial: A): FiberValue<A> => {
  const ref = FiberRef.unsafeMake(initial)
  return {
    get: FiberRef.get(ref),
    during: (effect, value) =>
      Effect.flatMap(FiberRef.get(ref), (before) => {
        const reset = FiberRef.set(ref, before)
        return Effect.zipRight(
          FiberRef.set(ref, value),
          Effect.matchCauseEffect(effect, {
            onFailure: (cause) => Effect.zipRight(reset, Effect.failCause(cause)),
            onSuccess: (result) => Effect.as(reset, result)
          })
        )
      })
  }
}
