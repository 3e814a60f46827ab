import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"

/** A value that a fiber passes on to the fibers that it forks. */
export interface FiberValue<A> {
  readonly get: Effect.Effect<A>
  /**
   * Sets the value while an Effect runs. Call it in a region that is not interruptible: the Effect
   * itself may be interruptible.
   */
  readonly during: <B, E, R>(effect: Effect.Effect<B, E, R>, value: A) => Effect.Effect<B, E, R>
}

/** `Effect.locally` would cost as much as all else of a short transaction. */
export const fiberValue = <A>(initial: A): FiberValue<A> => {
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
