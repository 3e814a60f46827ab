import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as TestClock from "effect/testing/TestClock"
import { LsmStore } from "effect-lsm"
import * as LsmRateLimiter from "effect-lsm/RateLimiter"
import * as FastCheck from "fast-check"
import { backends } from "../support/adapters/backends.js"
import { checkAsync } from "../support/property.js"

const consumption = { key: "k", tokens: 1, fallbackLimit: 5, fallbackWindow: Duration.seconds(10) }
const refusal = { key: "k", tokens: 1, status: 429 }

for (const [name, layer] of backends(RateLimiter.layerStoreMemory, LsmRateLimiter.layer())) {
  describe(`adaptive limits on ${name}`, () => {
    const test = (
      title: string,
      body: (store: RateLimiter.RateLimiterStore["Service"]) => Effect.Effect<void, unknown>
    ) => it.effect(title, () => Effect.flatMap(RateLimiter.RateLimiterStore, body).pipe(Effect.provide(layer)))

    test("are inactive until a server refuses", (store) =>
      Effect.gen(function* () {
        const advice = { delay: Duration.zero, epoch: 0, phase: "inactive" }
        expect(yield* store.adaptiveConsume(consumption)).toEqual(advice)
        yield* store.adaptiveFeedback({ ...refusal, epoch: 0, status: 503, retryAfter: Duration.seconds(1) })
        yield* store.adaptiveFeedback({ ...refusal, epoch: 0, retryAfter: undefined })
        yield* store.adaptiveFeedback({ ...refusal, epoch: 7, retryAfter: Duration.seconds(1) })
        expect(yield* store.adaptiveConsume(consumption)).toEqual(advice)
      }))

    test("cool down, learn, and hold what they have learned", (store) =>
      Effect.gen(function* () {
        const retryAfter = Duration.seconds(2)
        yield* store.adaptiveFeedback({ ...refusal, epoch: 0, retryAfter })
        expect(yield* store.adaptiveConsume(consumption)).toEqual({ delay: retryAfter, epoch: 0, phase: "cooldown" })
        yield* TestClock.adjust(2000)
        for (let i = 0; i < 4; i++) {
          expect(yield* store.adaptiveConsume(consumption)).toMatchObject({ epoch: 1, phase: "learning" })
        }
        yield* TestClock.adjust(1000)
        yield* store.adaptiveFeedback({ ...refusal, epoch: 1, retryAfter })
        expect(yield* store.adaptiveConsume(consumption)).toMatchObject({
          delay: Duration.seconds(2),
          phase: "learned"
        })
        yield* TestClock.adjust(100_000)
        expect(yield* store.adaptiveConsume(consumption)).toMatchObject({ phase: "inactive", epoch: 0 })
      }))
  })
}

const call = FastCheck.record({
  kind: FastCheck.constantFrom("consume", "refuse", "bucket", "window", "wait"),
  key: FastCheck.constantFrom("a", "b"),
  tokens: FastCheck.constantFrom(0.5, 1, 2, 7),
  epoch: FastCheck.nat(3),
  millis: FastCheck.constantFrom(1, 700, 3000, 12_000, 80_000),
  isDelayed: FastCheck.boolean()
})

it("limits on a store return what those in memory return", () =>
  checkAsync(
    FastCheck.asyncProperty(FastCheck.array(call, { maxLength: 60 }), (calls) => {
      const run = Effect.gen(function* () {
        const store = yield* RateLimiter.RateLimiterStore
        return yield* Effect.forEach(calls, ({ epoch, isDelayed, key, kind, millis, tokens }) => {
          const limit = { key, tokens, refillRate: Duration.millis(700) }
          switch (kind) {
            case "consume":
              return store.adaptiveConsume({ ...consumption, key, tokens })
            case "refuse":
              return store.adaptiveFeedback({ ...refusal, key, tokens, epoch, retryAfter: Duration.millis(millis) })
            case "bucket":
              return store.tokenBucket({ ...limit, limit: 5, allowOverflow: isDelayed })
            case "window":
              return store.fixedWindow({ ...limit, limit: isDelayed ? undefined : 5 })
            default:
              return TestClock.adjust(millis)
          }
        })
      })
      const inMemory = run.pipe(Effect.provide(RateLimiter.layerStoreMemory), Effect.provide(TestClock.layer()))
      const onStore = run.pipe(
        Effect.provide(LsmRateLimiter.layer()),
        Effect.provide(LsmStore.layerMemory()),
        Effect.provide(TestClock.layer())
      )
      return Effect.runPromise(
        Effect.gen(function* () {
          const expected = yield* inMemory
          expect(yield* onStore).toEqual(expected)
        })
      )
    }),
    40
  ))
