import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/** So often a transaction runs again by default. */
const mostRetries = 30
const longestWait = 200

/**
 * Waits before the retry with this number, from 1 on: not at all at first, then for a random time up
 * to 1 ms, 2 ms, 4 ms and so on, at most 200 ms. Returns false if there is no such retry.
 */
export const waitToRetry = (retry: number): Effect.Effect<boolean> => {
  if (retry > mostRetries) return Effect.succeed(false)
  if (retry === 1) return Effect.as(Effect.yieldNow(), true)
  const longest = Math.min(longestWait, 2 ** (retry - 2))
  return Effect.flatMap(Random.next, (part) => Effect.as(Effect.sleep(part * longest), true))
}
