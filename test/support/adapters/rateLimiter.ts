import * as RateLimiter from "@effect/experimental/RateLimiter"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

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
export const limiter = Effect.map(
  RateLimiter.make,
  ({ consume }) =>
    (limit: Limit): Effect.Effect<Outcome, RateLimiter.RateLimitStoreError> =>
      consume(limit).pipe(
        Effect.map(({ delay, remaining, resetAfter }) => ({
          delay: Duration.toMillis(delay),
          remaining,
          resetAfter: Duration.toMillis(resetAfter)
        })),
        Effect.catchAll((error) =>
          error.reason === "Exceeded"
            ? Effect.succeed({ retryAfter: Duration.toMillis(error.retryAfter) })
            : Effect.fail(error)
        )
      )
)

/** The store of this edition. The remaining tokens of a bucket, without the time of the refill. */
export const rawStore = Effect.map(RateLimiter.RateLimiterStore, (store) => ({
  fixedWindow: store.fixedWindow,
  tokenBucket: store.tokenBucket
}))

/** The error of the store that caused it. */
export const causeOf = (error: RateLimiter.RateLimiterError): unknown =>
  error.reason === "StoreError" ? error.cause : undefined
