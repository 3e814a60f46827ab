import * as Effect from "effect/Effect"
import {
  DecodeFailed,
  EncodeFailed,
  IndexesChanged,
  IndexNotReady,
  KeyspaceDropped,
  type KeyspaceError
} from "../../KeyspaceError.js"

const isThrown = (failure: unknown): failure is KeyspaceError =>
  failure instanceof EncodeFailed ||
  failure instanceof DecodeFailed ||
  failure instanceof KeyspaceDropped ||
  failure instanceof IndexesChanged ||
  failure instanceof IndexNotReady

/** `Effect.suspend` for a function that throws the errors of keyspaces. All others are defects. */
export const attempt = <A, E>(evaluate: () => Effect.Effect<A, E>): Effect.Effect<A, E | KeyspaceError> =>
  Effect.suspend((): Effect.Effect<A, E | KeyspaceError> => {
    try {
      return evaluate()
    } catch (failure) {
      if (isThrown(failure)) return Effect.fail(failure)
      throw failure
    }
  })

export const attemptSync = <A>(evaluate: () => A): Effect.Effect<A, KeyspaceError> =>
  attempt(() => Effect.succeed(evaluate()))
