import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import { LsmStore, OrderedStore } from "effect-lsm"
import * as LsmRateLimiter from "effect-lsm/RateLimiter"
import { backends } from "../support/adapters/backends.js"
import { causeOf, type Limit, limiter, memoryLayer, type Outcome, rawStore } from "../support/adapters/rateLimiter.js"
import { disk, memory } from "../support/places.js"

const minute = 60_000
const window = { algorithm: "fixed-window", window: minute, limit: 5, key: "k" } as const
const bucket = { ...window, algorithm: "token-bucket" } as const
const refill = minute / 5

const delayOf = (outcome: Outcome) => ("delay" in outcome ? outcome.delay : undefined)
const retryOf = (outcome: Outcome) => ("retryAfter" in outcome ? outcome.retryAfter : undefined)
const remainingOf = (outcome: Outcome) => ("remaining" in outcome ? outcome.remaining : undefined)

for (const [name, layer] of backends(memoryLayer, LsmRateLimiter.layer())) {
  describe(`RateLimiter on ${name}`, () => {
    const test = (
      title: string,
      body: (take: (limit: Limit, times?: number) => Effect.Effect<Outcome, unknown>) => Effect.Effect<void, unknown>
    ) =>
      it.effect(title, () =>
        Effect.flatMap(limiter, (consume) =>
          body((limit, times = 1) => (times === 1 ? consume(limit) : Effect.repeatN(consume(limit), times - 1)))
        ).pipe(Effect.provide(layer))
      )

    test("delays what exceeds a window to the next ones", (take) =>
      Effect.gen(function* () {
        const limit = { ...window, onExceeded: "delay" } as const
        expect(delayOf(yield* take(limit, 5))).toBe(0)
        expect(delayOf(yield* take(limit))).toBe(minute)
        expect(delayOf(yield* take(limit, 4))).toBe(minute)
        expect(delayOf(yield* take(limit))).toBe(2 * minute)
        yield* TestClock.adjust(2 * minute)
        expect(delayOf(yield* take(limit))).toBe(0)
      }))

    test("refuses what exceeds a window, until it ends", (take) =>
      Effect.gen(function* () {
        expect(remainingOf(yield* take(window, 5))).toBe(0)
        expect(yield* take(window)).toEqual({ retryAfter: minute })
        yield* TestClock.adjust(minute / 2)
        expect(yield* take(window)).toEqual({ retryAfter: minute / 2 })
        yield* TestClock.adjust(minute / 2)
        expect(yield* take(window)).toEqual({ delay: 0, remaining: 4, resetAfter: refill })
      }))

    test("delays what a bucket has not", (take) =>
      Effect.gen(function* () {
        const limit = { ...bucket, onExceeded: "delay" } as const
        expect(delayOf(yield* take(limit, 5))).toBe(0)
        expect(delayOf(yield* take(limit))).toBe(refill)
        expect(delayOf(yield* take(limit))).toBe(2 * refill)
        yield* TestClock.adjust(minute)
        const outcome = yield* take(limit)
        expect([delayOf(outcome), remainingOf(outcome)]).toEqual([0, 2])
      }))

    test("refuses what a bucket has not, and keeps what it has", (take) =>
      Effect.gen(function* () {
        expect(remainingOf(yield* take(bucket, 5))).toBe(0)
        expect(retryOf(yield* take(bucket))).toBe(refill)
        expect(retryOf(yield* take({ ...bucket, tokens: 2 }))).toBe(2 * refill)
        yield* TestClock.adjust(3 * refill)
        expect(remainingOf(yield* take(bucket))).toBe(2)
      }))

    test("takes several tokens at once", (take) =>
      Effect.gen(function* () {
        expect(remainingOf(yield* take({ ...window, tokens: 3 }))).toBe(2)
        expect(retryOf(yield* take({ ...window, tokens: 3 }))).toBe(3 * refill)
        expect(remainingOf(yield* take({ ...window, tokens: 2 }))).toBe(0)
        expect(remainingOf(yield* take({ ...bucket, tokens: 5 }))).toBe(0)
      }))

    test("refuses more tokens than the limit", (take) =>
      Effect.gen(function* () {
        expect(yield* take({ ...window, tokens: 6 })).toEqual({ retryAfter: minute })
        expect(yield* take({ ...bucket, tokens: 6 })).toEqual({ retryAfter: minute })
        expect(remainingOf(yield* take(window))).toBe(4)
      }))

    test("keeps keys apart, and the two algorithms of a key", (take) =>
      Effect.gen(function* () {
        yield* take(window, 5)
        expect(remainingOf(yield* take({ ...window, key: "k\0" }))).toBe(4)
        expect(remainingOf(yield* take(bucket))).toBe(4)
        expect(retryOf(yield* take(window))).toBe(minute)
      }))

    test("fills a bucket to its limit, and not further", (take) =>
      Effect.gen(function* () {
        yield* take(bucket, 5)
        yield* TestClock.adjust(100 * minute)
        expect(remainingOf(yield* take(bucket))).toBe(4)
      }))

    test("takes parts of tokens", (take) =>
      Effect.gen(function* () {
        expect(remainingOf(yield* take({ ...bucket, tokens: 0.5 }, 3))).toBe(3.5)
        expect(remainingOf(yield* take({ ...window, tokens: 0.5 }, 3))).toBe(3.5)
      }))

    test("lets no more than the limit through among 64 fibers", (take) =>
      Effect.gen(function* () {
        for (const limit of [window, bucket]) {
          const outcomes = yield* Effect.forEach(Array.from({ length: 64 }), () => take(limit), {
            concurrency: 64
          })
          expect(outcomes.filter((outcome) => "delay" in outcome)).toHaveLength(5)
        }
      }))
  })
}

describe("RateLimiter on a store", () => {
  const open = (options?: LsmRateLimiter.Options) => Effect.provide(limiter, LsmRateLimiter.layer(options))

  for (const [name, place] of [
    ["memory", memory],
    ["disk", disk]
  ] as const) {
    it.scoped(`goes on with its limits when the store in ${name} was opened again`, () =>
      Effect.gen(function* () {
        const at = yield* place
        yield* Effect.gen(function* () {
          const take = yield* open()
          yield* Effect.repeatN(take(window), 4)
          yield* Effect.repeatN(take(bucket), 2)
        }).pipe(Effect.provide(at.open()))
        yield* TestClock.adjust(refill)
        yield* Effect.gen(function* () {
          const take = yield* open()
          expect(retryOf(yield* take(window))).toBe(minute - refill)
          expect(remainingOf(yield* take(bucket))).toBe(2)
        }).pipe(Effect.provide(at.open()))
      })
    )
  }

  it.effect("does not see another name", () =>
    Effect.gen(function* () {
      const first = yield* open()
      const second = yield* open({ name: "second" })
      yield* Effect.repeatN(first(window), 4)
      expect(remainingOf(yield* second(window))).toBe(4)
      expect(yield* Effect.flip(open({ name: "" }))).toMatchObject({ argument: "name" })
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.effect("shares a sync among durable counts, and loses none", () =>
    Effect.gen(function* () {
      const take = yield* open({ durability: "sync" })
      yield* Effect.forEach(Array.from({ length: 64 }), () => take({ ...window, onExceeded: "delay" }), {
        concurrency: 64,
        discard: true
      })
      const outcome = yield* take({ ...window, onExceeded: "delay" })
      expect(remainingOf(outcome)).toBe(5 - 65)
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.effect("forgets what is not used any more, and not before it has recovered", () =>
    Effect.gen(function* () {
      const lsm = yield* LsmStore.LsmStore
      const take = yield* open()
      const day = 24 * 60 * minute
      yield* Effect.repeatN(take(window), 4)
      yield* Effect.repeatN(take({ ...bucket, key: "day", window: day }), 4)
      // Of a limit that delays, the store cannot know how long it has to be kept.
      yield* Effect.repeatN(take({ ...window, onExceeded: "delay", key: "far" }), 5 * 24 * 60)
      expect(yield* lsm.count()).toBe(3)
      yield* TestClock.adjust(day - 1)
      expect(yield* lsm.count()).toBe(2)
      expect(retryOf(yield* take({ ...bucket, key: "day", window: day, tokens: 5 }))).toBeGreaterThan(0)
      const far = yield* take({ ...window, onExceeded: "delay", key: "far" })
      expect(delayOf(far)).toBeGreaterThan(0)
      yield* TestClock.adjust(3 * day)
      expect(yield* lsm.count()).toBe(0)
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.effect("fails with what is no limit as the cause", () =>
    Effect.gen(function* () {
      const { limits } = yield* OrderedStore.OrderedStore
      const store = yield* rawStore
      const good = { key: "k", tokens: 1, limit: 5, refillRate: Duration.seconds(1) }
      for (const [bad, argument] of [
        [{ tokens: Number.NaN }, "tokens"],
        [{ tokens: -1 }, "tokens"],
        [{ refillRate: Duration.zero }, "refillRate"],
        [{ refillRate: Duration.infinity }, "refillRate"],
        [{ limit: 0 }, "limit"],
        [{ key: "\ud800" }, "key"]
      ] as const) {
        const options = { ...good, ...bad }
        const invalid = { _tag: "InvalidArgument", argument }
        expect(causeOf(yield* Effect.flip(store.fixedWindow(options)))).toMatchObject(invalid)
        const call = store.tokenBucket({ ...options, allowOverflow: false })
        expect(causeOf(yield* Effect.flip(call))).toMatchObject(invalid)
      }
      const long = { ...good, key: "k".repeat(limits.keyBytes) }
      expect(causeOf(yield* Effect.flip(store.fixedWindow(long)))).toMatchObject({ _tag: "LimitExceeded" })
    }).pipe(Effect.provide(Layer.provideMerge(LsmRateLimiter.layer(), LsmStore.layerMemory())))
  )

  it.effect("fails for a state that it has not written, and leaves it", () =>
    Effect.gen(function* () {
      const store = yield* OrderedStore.OrderedStore
      const raw = yield* rawStore
      const options = { key: "k", tokens: 1, limit: 5, refillRate: Duration.seconds(1) }
      yield* raw.fixedWindow(options)
      const [entry] = yield* store.collect({})
      yield* store.put(entry!.key, "three")
      expect(causeOf(yield* Effect.flip(raw.fixedWindow(options)))).toMatchObject({ _kind: "ForeignValue" })
      expect(yield* store.get(entry!.key)).toMatchObject({ value: new TextEncoder().encode("three") })
    }).pipe(Effect.provide(Layer.provideMerge(LsmRateLimiter.layer(), LsmStore.layerMemory())))
  )

  it.scoped("fails when the store is closed", () =>
    Effect.gen(function* () {
      const at = yield* memory
      const take = yield* open().pipe(Effect.provide(at.open()))
      expect(causeOf(yield* Effect.flip(take(window)))).toMatchObject({ _tag: "StoreClosed" })
    })
  )
})
