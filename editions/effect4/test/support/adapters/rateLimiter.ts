import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RateLimiter from "effect/persistence/RateLimiter"

export const memoryLayer = RateLimiter.layerStoreMemory

export interface Limit {
  readonly algorithm?: "fixed-window" | "token-bucket"
  readonly onExceeded?: "delay" | "fail"
  /** In milliseconds. */
  readonly window: number
  readonly limit: number
  readonly key: string
  readonly tokens?: number
}

/** What a limiter says: a delay, or that the limit is exceeded. Times are in milliseconds. */
export type Outcome =
  | { readonly delay: number; readonly remaining: number; readonly resetAfter: number }
  | { readonly retryAfter: number }

/** The limiter of this edition in one form, for tests that both editions share. */
export const limiter = Effect.gen(function* () {
  const { consume } = yield* RateLimiter.make
  return Effect.fnUntraced(
    function* (limit: Limit): Effect.fn.Return<Outcome, RateLimiter.RateLimiterError> {
      const { delay, remaining, resetAfter } = yield* consume(limit)
      return { delay: Duration.toMillis(delay), remaining, resetAfter: Duration.toMillis(resetAfter) }
    },
    Effect.catch((error) => {
      const { reason } = error
      if (reason._tag !== "RateLimitExceeded") return Effect.fail(error)
      return Effect.succeed<Outcome>({ retryAfter: Duration.toMillis(reason.retryAfter) })
    })
  )
})

/** The store of this edition. The remaining tokens of a bucket, without the time of the refill. */
export const rawStore = RateLimiter.RateLimiterStore

/** The error of the store that caused it. */
export const causeOf = ({ reason }: RateLimiter.RateLimiterError): unknown =>
  reason._tag === "RateLimitStoreError" ? reason.cause : undefined
