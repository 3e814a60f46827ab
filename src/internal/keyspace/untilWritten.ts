import * as Effect from "effect/Effect"
import { TransactionConflict, TransactionTooOld } from "../../LsmError.js"

/** In milliseconds. */
const longestPause = 50

type Retried = TransactionConflict | TransactionTooOld

/**
 * Runs a transaction again until it is written. Short ones conflict now and then, and one of those that do is
 * always written.
 */
export const untilWritten = <A, E, R>(
  transaction: Effect.Effect<A, E, R>,
  pause = 1
): Effect.Effect<A, Exclude<E, Retried>, R> =>
  Effect.catchAll(transaction, (error) =>
    error instanceof TransactionConflict || error instanceof TransactionTooOld
      ? Effect.zipRight(Effect.sleep(pause), untilWritten(transaction, Math.min(pause * 2, longestPause)))
      : Effect.fail(error as Exclude<E, Retried>)
  )
