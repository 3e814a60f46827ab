/**
 * The `RateLimiterStore` of `effect/persistence` on an ordered store: limits that outlive the process.
 *
 * @since 4.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Persisted from "effect/persistence/RateLimiter"
import { adaptiveConsume, adaptiveFeedback } from "./core/adapters/rate/adaptiveLimit.js"
import { fixedWindow, type Step } from "./core/adapters/rate/fixedWindow.js"
import { tokenBucket } from "./core/adapters/rate/tokenBucket.js"
import { defaultName, nameFault } from "./internal/adapters/instanceName.js"
import { kind, type LimitError, Limits, numbersFault } from "./internal/adapters/rate/limits.js"
import type { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore } from "./OrderedStore.js"

/**
 * Options of a rate limiter.
 *
 * @since 4.1.0
 * @category models
 */
export interface Options {
  /**
   * The name, of 1 to 1,024 bytes in UTF-8. Rate limiters with different names in one store do not see
   * each other. Default `"default"`.
   */
  readonly name?: string | undefined
  /**
   * When a count is acknowledged. Default `"buffered"`: counts survive the end of the process, and a
   * power cut may lose the last ones.
   */
  readonly durability?: Durability | undefined
}

/** The status of a response that says that a limit is exceeded. */
const tooManyRequests = 429

/**
 * Makes a `RateLimiterStore` of the program's store.
 *
 * Each call is one atomic step, also those of adaptive limits. The state of a key that is not used any
 * more expires: an hour after its limit has recovered, or later.
 *
 * Every failure of the store is a `RateLimiterError` whose reason is a `RateLimitStoreError`. The `cause`
 * of the reason is the error of the store: `InvalidArgument` for a key with a lone surrogate, and for
 * numbers that are no limit.
 *
 * @since 4.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Persisted.RateLimiterStore["Service"], InvalidArgument, OrderedStore> {
  const store = yield* OrderedStore
  const { durability = "buffered", name = defaultName } = options
  const fault = nameFault(name)
  if (fault !== undefined) return yield* Effect.fail(fault)
  const windows = new Limits(store, name, kind.fixedWindow, durability)
  const buckets = new Limits(store, name, kind.tokenBucket, durability)
  const adaptives = new Limits(store, name, kind.adaptive, durability)
  return {
    fixedWindow: ({ key, limit, refillRate, tokens }) => {
      const refillMillis = Duration.toMillis(refillRate)
      const life = 2 * refillMillis * (limit ?? tokens)
      return step(windows, key, life, numbersFault(tokens, refillMillis, limit), (stored, now) =>
        fixedWindow(stored, { tokens, refillMillis, limit, now })
      )
    },
    tokenBucket: ({ allowOverflow, key, limit, refillRate, tokens }) => {
      const refillMillis = Duration.toMillis(refillRate)
      return step(buckets, key, 2 * refillMillis * limit, numbersFault(tokens, refillMillis, limit), (stored, now) =>
        tokenBucket(stored, { tokens, refillMillis, limit, allowOverflow, now })
      )
    },
    adaptiveConsume: ({ fallbackLimit, fallbackWindow, key, tokens }) => {
      const millis = Duration.toMillis(fallbackWindow)
      return Effect.map(
        step(adaptives, key, 2 * millis, numbersFault(tokens, millis, fallbackLimit), (stored, now) =>
          adaptiveConsume(stored, now, { tokens, fallbackWindow: millis })
        ),
        ({ delay, epoch, phase }) => ({ delay: Duration.millis(delay), epoch, phase })
      )
    },
    adaptiveFeedback: ({ epoch, key, retryAfter, status, tokens }) =>
      status !== tooManyRequests || retryAfter === undefined
        ? Effect.void
        : step(adaptives, key, 0, undefined, (stored, now) =>
            adaptiveFeedback(stored, now, { epoch, tokens, retryAfter: Duration.toMillis(retryAfter) })
          )
  }
})

/**
 * A layer of `make`.
 *
 * @since 4.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Persisted.RateLimiterStore, InvalidArgument, OrderedStore> =>
  Layer.effect(Persisted.RateLimiterStore, make(options))

/**
 * A layer of the `RateLimiter` that stands on `layer`.
 *
 * @since 4.1.0
 * @category layers
 */
export const layerLimiter = (options?: Options): Layer.Layer<Persisted.RateLimiter, InvalidArgument, OrderedStore> =>
  // The layer of the interface is one constant, which layers with different names would share.
  Layer.provide(Layer.fresh(Persisted.layer), layer(options))

const step = <A>(
  limits: Limits,
  key: string,
  life: number,
  fault: InvalidArgument | undefined,
  transition: (stored: Uint8Array | undefined, now: number) => Step<A>
): Effect.Effect<A, Persisted.RateLimiterError> =>
  Effect.clockWith(
    (clock): Effect.Effect<A, LimitError> =>
      fault === undefined ? limits.step(key, clock, life, transition) : Effect.fail(fault)
  ).pipe(
    Effect.mapError((cause) => {
      const reason = new Persisted.RateLimitStoreError({ message: `Failed to take tokens of ${key}`, cause })
      return new Persisted.RateLimiterError({ reason })
    })
  )
