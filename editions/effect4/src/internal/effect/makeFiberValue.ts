import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { FiberValue } from "./fiberValue.js"

export const makeFiberValue = <A>(initial: A): FiberValue<A> => {
  const reference = Context.Reference<A>("effect-lsm/fiberValue", { defaultValue: () => initial })
  return {
    with: (use) => Effect.withFiber((fiber) => use(fiber.getRef(reference))),
    set: (value) =>
      Effect.withFiber((fiber) => {
        fiber.setContext(Context.add(fiber.context, reference, value))
        return Effect.void
      })
  }
}
