import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import type { FiberValue } from "./fiberValue.js"

/** `Effect.locally` would cost as much as all else of a short transaction. */
export const makeFiberValue = <A>(initial: A): FiberValue<A> => {
  const ref = FiberRef.unsafeMake(initial)
  return {
    with: (use) => Effect.withFiberRuntime((fiber) => use(fiber.getFiberRef(ref))),
    set: (value) => FiberRef.set(ref, value)
  }
}
