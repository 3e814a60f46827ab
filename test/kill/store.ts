import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import { type LsmError, LsmStore, type Store } from "effect-lsm"
import { pairs } from "../support/bytes.js"
import { tuning } from "./plan.js"

/**
 * Opens the store of a directory in this process, runs `use` and closes it. Warnings of torn ends
 * are not logged.
 */
export const withStore = <A, E>(
  directory: string,
  use: (store: Store.Store) => Effect.Effect<A, E>
): Effect.Effect<A, E | LsmError.OpenError> =>
  Effect.scoped(Effect.flatMap(LsmStore.make({ ...tuning, directory }), use)).pipe(
    Logger.withMinimumLogLevel(LogLevel.Error)
  )

export const contentOf = (store: Store.Store) =>
  Effect.map(pairs(store.scan()), (entries): ReadonlyMap<string, string> => new Map(entries))
