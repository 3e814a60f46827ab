/**
 * The `RateLimiterStore` of `@effect/experimental` on an ordered store: limits that outlive the process.
 *
 * @since 3.1.0
 */
import * as Experimental from "@effect/experimental/RateLimiter"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { fixedWindow } from "./core/adapters/rate/fixedWindow.js"
import { tokenBucket } from "./core/adapters/rate/tokenBucket.js"
import { defaultName, nameFault } from "./internal/adapters/instanceName.js"
import { kind, type LimitError, Limits, numbersFault } from "./internal/adapters/rate/limits.js"
import type { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore } from "./OrderedStore.js"

/**
 * Options of a rate limiter.
 *
 * @since 3.1.0
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

/**
 * Makes a `RateLimiterStore` of the program's store.
 *
 * Each call is one atomic step. The state of a key that is not used any more expires: an hour after its
 * limit has recovered, or later.
 *
 * A bucket of tokens begins its refill time when it has less tokens than it holds. The memory layer of
 * `@effect/experimental` lets refill times go on while the bucket is full, so the first token may come
 * back sooner there.
 *
 * Every failure of the store is a `RateLimitStoreError`, whose `cause` is the error of the store;
 * `InvalidArgument` for a key with a lone surrogate, and for numbers that are no limit.
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<Experimental.RateLimiterStore["Type"], InvalidArgument, OrderedStore> =>
  Effect.flatMap(OrderedStore, (store) => {
    const { durability = "buffered", name = defaultName } = options
    const fault = nameFault(name)
    if (fault !== undefined) return Effect.fail(fault)
    const windows = new Limits(store, name, kind.fixedWindow, durability)
    const buckets = new Limits(store, name, kind.tokenBucket, durability)
    return Effect.succeed(
      Experimental.RateLimiterStore.of({
        fixedWindow: ({ key, limit, refillRate, tokens }) => {
          const refillMillis = Duration.toMillis(refillRate)
          const numbers = numbersFault(tokens, refillMillis, limit)
          if (numbers !== undefined) return failed("fixedWindow", numbers)
          const life = 2 * refillMillis * (limit ?? tokens)
          return mapError(
            "fixedWindow",
            Effect.clockWith((clock) =>
              windows.step(key, clock, life, (stored, now) => fixedWindow(stored, { tokens, refillMillis, limit, now }))
            )
          )
        },
        tokenBucket: ({ allowOverflow, key, limit, refillRate, tokens }) => {
          const refillMillis = Duration.toMillis(refillRate)
          const numbers = numbersFault(tokens, refillMillis, limit)
          if (numbers !== undefined) return failed("tokenBucket", numbers)
          return mapError(
            "tokenBucket",
            Effect.clockWith((clock) =>
              Effect.map(
                buckets.step(key, clock, 2 * refillMillis * limit, (stored, now) =>
                  tokenBucket(stored, { tokens, refillMillis, limit, allowOverflow, now })
                ),
                ([remaining]) => remaining
              )
            )
          )
        }
      })
    )
  })

/**
 * A layer of `make`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Experimental.RateLimiterStore, InvalidArgument, OrderedStore> =>
  Layer.effect(Experimental.RateLimiterStore, make(options))

/**
 * A layer of the `RateLimiter` that stands on `layer`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layerLimiter = (options?: Options): Layer.Layer<Experimental.RateLimiter, InvalidArgument, OrderedStore> =>
  // The layer of the interface is one constant, which layers with different names would share.
  Layer.provide(Layer.fresh(Experimental.layer), layer(options))

const errorOf = (method: string, cause: LimitError) =>
  new Experimental.RateLimitStoreError({ message: `Failed to take tokens by ${method}`, cause })

const failed = (method: string, cause: LimitError) => Effect.fail(errorOf(method, cause))

const mapError = <A>(method: string, effect: Effect.Effect<A, LimitError>) =>
  Effect.mapError(effect, (cause) => errorOf(method, cause))
