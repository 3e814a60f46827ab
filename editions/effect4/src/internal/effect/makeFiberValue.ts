import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { FiberValue } from "./fiberValue.js"

export const makeFiberValue = <A>(initial: A): FiberValue<A> => {
  const reference = Context.Reference<A>("effect-lsm/fiberValue", { defaultValue: () => initial })
  return {
    get: Effect.service(reference),
    during: (effect, value) => Effect.provideService(effect, reference, value)
  }
}
