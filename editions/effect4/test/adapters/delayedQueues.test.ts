import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { LsmStore, OrderedStore } from "effect-lsm"
import * as LsmPersistedQueue from "effect-lsm/PersistedQueue"
import { backends } from "../support/adapters/backends.js"
import { Item, open } from "../support/adapters/persistedQueue.js"
import { memory } from "../support/places.js"

const memoryLayer = Layer.provideMerge(PersistedQueue.layer, PersistedQueue.layerStoreMemory)
const ours = (options?: LsmPersistedQueue.Options) =>
  Layer.provideMerge(Layer.fresh(PersistedQueue.layer), LsmPersistedQueue.layer(options))

const make = PersistedQueue.make({ name: "a", schema: Item })
const delay = (seconds: number) => ({ delay: Duration.seconds(seconds) })
const numberOf = ({ n }: { readonly n: bigint }) => Effect.succeed(Number(n))

for (const [name, layer] of backends(memoryLayer, ours())) {
  describe(`delays and attempts of PersistedQueue on ${name}`, () => {
    const test = (
      title: string,
      body: Effect.Effect<void, unknown, PersistedQueue.PersistedQueueFactory | PersistedQueue.PersistedQueueStore>
    ) => it.effect(title, () => Effect.provide(body, layer))

    test(
      "delivers a delayed element when it is due, and others before it",
      Effect.gen(function* () {
        const queue = yield* make
        yield* queue.offer({ n: 1n }, delay(10))
        yield* queue.offer({ n: 2n }, delay(5))
        yield* queue.offer({ n: 3n })
        expect(yield* queue.take(numberOf)).toBe(3)
        const fiber = yield* Effect.forkChild(Effect.all([queue.take(numberOf), queue.take(numberOf)]))
        yield* TestClock.adjust(4999)
        expect(fiber.pollUnsafe()).toBeUndefined()
        yield* TestClock.adjust(5001)
        expect(yield* Fiber.join(fiber)).toEqual([2, 1])
      })
    )

    test(
      "wakes for an element that is due before the one that it waits for",
      Effect.gen(function* () {
        const queue = yield* make
        yield* queue.offer({ n: 1n }, delay(10))
        const fiber = yield* Effect.forkChild(queue.take(numberOf))
        yield* TestClock.adjust(1000)
        yield* queue.offer({ n: 2n }, delay(1))
        yield* TestClock.adjust(1000)
        expect(yield* Fiber.join(fiber)).toBe(2)
      })
    )

    test(
      "takes a delayed id once",
      Effect.gen(function* () {
        const queue = yield* make
        yield* queue.offer({ n: 1n }, { id: "id", ...delay(1) })
        yield* queue.offer({ n: 2n }, { id: "id" })
        yield* queue.offer({ n: 3n }, { id: "other", ...delay(2) })
        yield* TestClock.adjust(2000)
        expect(yield* Effect.all([queue.take(numberOf), queue.take(numberOf)])).toEqual([1, 3])
      })
    )

    test(
      "tries again after the delay of the schedule, and counts attempts from 1",
      Effect.gen(function* () {
        const queue = yield* make
        yield* queue.offer({ n: 1n })
        const attempts: Array<number> = []
        for (const seconds of [1, 2, 4]) {
          yield* Effect.flip(
            queue.take((_, metadata) => {
              attempts.push(metadata.attempts)
              return Effect.fail("boom")
            })
          )
          const fiber = yield* Effect.forkChild(queue.take(() => Effect.interrupt))
          yield* TestClock.adjust(seconds * 1000 - 1)
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          yield* Fiber.await(fiber)
        }
        expect(attempts).toEqual([1, 2, 3])
      })
    )

    test(
      "passes over what its Schema cannot decode",
      Effect.gen(function* () {
        const texts = yield* PersistedQueue.make({ name: "a", schema: Schema.String })
        const queue = yield* make
        yield* texts.offer("no item")
        yield* queue.offer({ n: 1n })
        expect(yield* queue.take(numberOf)).toBe(1)
      })
    )

    test(
      "forgets the ids of elements that were completed long enough ago",
      Effect.gen(function* () {
        const store = yield* PersistedQueue.PersistedQueueStore
        const queue = yield* make
        yield* queue.offer({ n: 1n }, { id: "id" })
        expect(yield* queue.take(numberOf)).toBe(1)
        yield* queue.offer({ n: 2n }, { id: "waiting" })
        yield* TestClock.adjust(1000)
        const cleanup = (millis: number) =>
          store.cleanup({ timeToLive: Duration.millis(millis), failedTimeToLive: undefined })
        yield* cleanup(1001)
        yield* queue.offer({ n: 3n }, { id: "id" })
        yield* cleanup(1000)
        yield* queue.offer({ n: 4n }, { id: "id" })
        yield* queue.offer({ n: 5n }, { id: "waiting" })
        expect(yield* Effect.all([queue.take(numberOf), queue.take(numberOf)])).toEqual([2, 4])
      })
    )

    test(
      "remembers the id of what failed until it is told otherwise",
      Effect.gen(function* () {
        const store = yield* PersistedQueue.PersistedQueueStore
        const queue = yield* open("b", { maxAttempts: 1 })
        yield* queue.offer(1, "id")
        yield* Effect.flip(queue.take(() => Effect.fail("boom")))
        yield* TestClock.adjust(1000)
        yield* store.cleanup({ timeToLive: Duration.zero, failedTimeToLive: undefined })
        yield* queue.offer(2, "id")
        yield* queue.offer(3)
        expect(yield* queue.take(Effect.succeed)).toBe(3)
        yield* store.cleanup({ timeToLive: Duration.zero, failedTimeToLive: Duration.seconds(1) })
        yield* queue.offer(4, "id")
        expect(yield* queue.take(Effect.succeed)).toBe(4)
      })
    )
  })
}

describe("delays and attempts of PersistedQueue on a store", () => {
  it.effect("last over the end of the process", () =>
    Effect.gen(function* () {
      const at = yield* memory
      const session = <A, E, R>(program: Effect.Effect<A, E, R>) =>
        Effect.provide(program, Layer.provideMerge(Layer.fresh(ours()), Layer.fresh(at.open())), { local: true })
      yield* session(
        Effect.gen(function* () {
          const queue = yield* make
          yield* queue.offer({ n: 1n }, delay(10))
          yield* queue.offer({ n: 2n })
          yield* Effect.flip(queue.take(() => Effect.fail("boom")))
        })
      )
      yield* TestClock.adjust(1000)
      yield* session(
        Effect.gen(function* () {
          const queue = yield* make
          expect(yield* queue.take(({ n }, { attempts }) => Effect.succeed([Number(n), attempts]))).toEqual([2, 2])
          const fiber = yield* Effect.forkChild(queue.take(numberOf))
          yield* TestClock.adjust(8999)
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect(yield* Fiber.join(fiber)).toBe(1)
        })
      )
    })
  )

  it.effect("keep what failed and what cannot be decoded", () =>
    Effect.gen(function* () {
      const texts = yield* PersistedQueue.make({ name: "a", schema: Schema.String })
      const queue = yield* make
      yield* texts.offer("no item", { id: "text" })
      yield* queue.offer({ n: 1n })
      yield* TestClock.adjust(5)
      expect(yield* queue.take(numberOf)).toBe(1)
      expect(yield* LsmPersistedQueue.failed("a")).toEqual([
        { id: "text", attempts: 1, failedAt: 5, element: "no item" }
      ])
    }).pipe(Effect.provide(ours()), Effect.provide(LsmStore.layerMemory()))
  )

  it.effect("let many in that are due at one time, in the order of their offers", () =>
    Effect.gen(function* () {
      const queue = yield* make
      const numbers = Array.from({ length: 200 }, (_, i) => i)
      for (const n of numbers) yield* queue.offer({ n: BigInt(n) }, delay(1))
      yield* TestClock.adjust(1000)
      expect(yield* Effect.forEach(numbers, () => queue.take(numberOf))).toEqual(numbers)
      expect(yield* (yield* OrderedStore.OrderedStore).count()).toBe(0)
    }).pipe(Effect.provide(ours()), Effect.provide(LsmStore.layerMemory()))
  )
})
