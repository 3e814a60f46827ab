import type * as Effect from "effect/Effect"

/** A value that a fiber passes on to the fibers that it forks. */
export interface FiberValue<A> {
  /** Continues with the value of the fiber that runs it. */
  readonly with: <B, E, R>(use: (value: A) => Effect.Effect<B, E, R>) => Effect.Effect<B, E, R>
  /** Sets the value. The caller sets it back, in a region that is not interruptible. */
  readonly set: (value: A) => Effect.Effect<void>
}
