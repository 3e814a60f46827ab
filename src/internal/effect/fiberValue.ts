import type * as Effect from "effect/Effect"

/** A value that a fiber passes on to the fibers that it forks. */
export interface FiberValue<A> {
  readonly get: Effect.Effect<A>
  /**
   * Sets the value while an Effect runs. Call it in a region that is not interruptible: the Effect
   * itself may be interruptible.
   */
  readonly during: <B, E, R>(effect: Effect.Effect<B, E, R>, value: A) => Effect.Effect<B, E, R>
}
