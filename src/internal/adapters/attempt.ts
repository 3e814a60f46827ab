import * as Effect from "effect/Effect"
import { ForeignValue } from "../../core/adapters/foreignValue.js"

/** Reads stored bytes. That they are not of the adapter is an error; everything else that is thrown is a defect. */
export const reading = <A>(read: () => A): Effect.Effect<A, ForeignValue> => {
  try {
    return Effect.succeed(read())
  } catch (failure) {
    if (failure instanceof ForeignValue) return Effect.fail(failure)
    throw failure
  }
}

/** Makes bytes of a value of the application. Values that have no JSON throw a `TypeError`. */
export const encoding = <A>(encode: () => A): Effect.Effect<A, TypeError> => {
  try {
    return Effect.succeed(encode())
  } catch (failure) {
    if (failure instanceof TypeError) return Effect.fail(failure)
    throw failure
  }
}
