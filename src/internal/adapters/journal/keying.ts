import * as Effect from "effect/Effect"
import { KeyFailure } from "../../../core/keys/keyFailure.js"
import { InvalidArgument } from "../../../LsmError.js"

/** Makes keys of what an application gave: a text with a lone surrogate has none. */
export const keying = <A>(make: () => A): Effect.Effect<A, InvalidArgument> => {
  try {
    return Effect.succeed(make())
  } catch (failure) {
    if (failure instanceof KeyFailure) {
      return Effect.fail(new InvalidArgument({ argument: "entry", reason: failure.reason }))
    }
    throw failure
  }
}
