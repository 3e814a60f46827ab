import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** A value that a fiber passes on to the fibers that it forks. */
export interface FiberValue<A> {
  readonly get: Effect.Effect<A>
  /** Sets the value while an Effect runs. */
  readonly during: <B, E, R>(effect: Effect.Effect<B, E, R>, value: A) => Effect.Effect<B, E, R>
}

export const fiberValue = <A>(initial: A): FiberValue<A> => {
  const reference = Context.Reference<A>("effect-lsm/fiberValue", { defaultValue: () => initial })
  return {
    get: Effect.service(reference),
    during: (effect, value) => Effect.provideService(effect, reference, value)
  }
}
