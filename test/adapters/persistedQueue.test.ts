import type * as PersistedQueue from "@effect/experimental/PersistedQueue"
import { describe, expect, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/TestClock"
import type { OrderedStore } from "effect-lsm"
import { LsmStore } from "effect-lsm"
import * as LsmPersistedQueue from "effect-lsm/PersistedQueue"
import { backends } from "../support/adapters/backends.js"
import { failuresOfCrash, memoryLayer, offerRaw, open, takeRaw } from "../support/adapters/persistedQueue.js"
import { disk, memory } from "../support/places.js"

type Queue = Effect.Effect.Success<ReturnType<typeof open>>

const number = (n: number) => Effect.succeed(n)
/** Takes so many elements, one after the other. */
const takeMany = (queue: Queue, count: number) =>
  Effect.forEach(Array.from({ length: count }), () => queue.take(number))
const countTo = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Takes an element and holds it until the fiber is interrupted. Succeeds when it has the element. */
const hold = (queue: Queue) =>
  Effect.gen(function* () {
    const taken = yield* Deferred.make<number>()
    const fiber = yield* Effect.fork(queue.take((n) => Effect.zipRight(Deferred.succeed(taken, n), Effect.never)))
    return { n: yield* Deferred.await(taken), fiber }
  })

for (const [name, layer] of backends(memoryLayer, LsmPersistedQueue.layerFactory())) {
  describe(`PersistedQueue on ${name}`, () => {
    const test = (title: string, body: Effect.Effect<void, unknown, PersistedQueue.PersistedQueueFactory>) =>
      it.effect(title, () => Effect.provide(body, layer))

    test(
      "is first in, first out",
      Effect.gen(function* () {
        const queue = yield* open("a")
        for (const n of countTo(200)) yield* queue.offer(n)
        expect(yield* takeMany(queue, 200)).toEqual(countTo(200))
      })
    )

    test(
      "waits for an element, and wakes for it",
      Effect.gen(function* () {
        const queue = yield* open("a")
        const fiber = yield* Effect.fork(queue.take(number))
        yield* Effect.yieldNow()
        yield* queue.offer(1)
        expect(yield* Fiber.join(fiber)).toBe(1)
      })
    )

    test(
      "gives the id that it returned to the taker",
      Effect.gen(function* () {
        const queue = yield* open("a")
        const made = yield* queue.offer(1)
        expect(yield* queue.offer(2, "own")).toBe("own")
        expect(yield* queue.take((_, { id }) => Effect.succeed(id))).toBe(made)
        expect(yield* queue.take((_, { id }) => Effect.succeed(id))).toBe("own")
      })
    )

    test(
      "takes an id once, also after it was processed",
      Effect.gen(function* () {
        const queue = yield* open("a")
        yield* queue.offer(1, "id")
        yield* queue.offer(2, "id")
        expect(yield* queue.take(number)).toBe(1)
        yield* queue.offer(3, "id")
        yield* queue.offer(4, "other")
        expect(yield* queue.take(number)).toBe(4)
      })
    )

    test(
      "tries a failed element again, and counts",
      Effect.gen(function* () {
        const queue = yield* open("a")
        yield* queue.offer(1)
        const failures: Array<number> = []
        for (let i = 0; i < 3; i++) {
          const error = yield* Effect.flip(
            queue.take((_, metadata) => {
              failures.push(metadata.failures)
              return Effect.fail("boom")
            })
          )
          expect(error).toBe("boom")
        }
        expect(yield* queue.take((n, metadata) => Effect.succeed([n, metadata.failures]))).toEqual([1, 3])
        expect(failures).toEqual([0, 1, 2])
      })
    )

    test(
      "counts a defect as a failure",
      Effect.gen(function* () {
        const queue = yield* open("a")
        yield* queue.offer(1)
        yield* Effect.exit(queue.take(() => Effect.die("boom")))
        expect(yield* queue.take((_, { failures }) => Effect.succeed(failures))).toBe(1)
      })
    )

    test(
      "puts a failed element behind the others, and gives it up in the end",
      Effect.gen(function* () {
        const queue = yield* open("a", { maxAttempts: 2 })
        yield* queue.offer(1)
        yield* queue.offer(2)
        const seen: Array<number> = []
        for (let i = 0; i < 4; i++) {
          yield* Effect.ignore(
            queue.take((n) => {
              seen.push(n)
              return n === 1 ? Effect.fail("boom") : number(n)
            })
          )
          if (i === 1) yield* queue.offer(3)
        }
        expect(seen).toEqual([1, 2, 1, 3])
      })
    )

    test(
      "gives an element to another taker when the first is interrupted, and counts nothing",
      Effect.gen(function* () {
        const queue = yield* open("a")
        yield* queue.offer(1)
        const { fiber } = yield* hold(queue)
        const other = yield* Effect.fork(queue.take((n, { failures }) => Effect.succeed([n, failures])))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(fiber)
        expect(yield* Fiber.join(other)).toEqual([1, 0])
      })
    )

    test(
      "loses nothing when a waiting taker is interrupted",
      Effect.gen(function* () {
        const queue = yield* open("a")
        const waiting = yield* Effect.fork(queue.take(number))
        yield* Effect.yieldNow()
        yield* Fiber.interrupt(waiting)
        yield* queue.offer(1)
        expect(yield* queue.take(number)).toBe(1)
      })
    )

    test(
      "keeps queues apart",
      Effect.gen(function* () {
        const a = yield* open("a")
        const b = yield* open("a\0b")
        yield* a.offer(1, "in a")
        yield* b.offer(2, "in b")
        expect(yield* b.take(number)).toBe(2)
        expect(yield* a.take(number)).toBe(1)
      })
    )
  })
}

describe("PersistedQueue on a store", () => {
  const factory = LsmPersistedQueue.layerFactory
  /** Opens the store, runs a program with it, and closes it. */
  const session =
    <Out>(store: Layer.Layer<Out | OrderedStore.OrderedStore, unknown>, options?: LsmPersistedQueue.Options) =>
    <A, E, R>(program: Effect.Effect<A, E, R>) =>
      Effect.provide(program, Layer.provideMerge(factory(options), store))

  for (const [name, place] of [
    ["memory", memory],
    ["disk", disk]
  ] as const) {
    it.scoped(`has what was not completed when the store in ${name} was closed, in its order`, () =>
      Effect.gen(function* () {
        const at = yield* place
        const first = yield* Effect.gen(function* () {
          const queue = yield* open("a")
          for (const n of countTo(100)) yield* queue.offer(n, `id ${n}`)
          yield* takeMany(queue, 3)
          // The store is closed while these are being processed.
          const held = [yield* hold(queue), yield* hold(queue)]
          return held.map(({ n }) => n)
        }).pipe(session(at.open()))
        expect(first).toEqual([3, 4])
        yield* Effect.gen(function* () {
          const queue = yield* open("a")
          yield* queue.offer(1000, "id 50")
          yield* queue.offer(1001, "id 1")
          yield* queue.offer(1002, "new")
          expect(yield* queue.take((n, { failures }) => Effect.succeed([n, failures]))).toEqual([3, failuresOfCrash])
          expect(yield* takeMany(queue, 97)).toEqual([...countTo(100).slice(4), 1002])
        }).pipe(session(at.open()))
      })
    )
  }

  it.scoped("counts failures over the end of the process", () =>
    Effect.gen(function* () {
      const at = yield* memory
      yield* Effect.gen(function* () {
        const queue = yield* open("a")
        yield* queue.offer(1)
        yield* Effect.flip(queue.take(() => Effect.fail("boom")))
      }).pipe(session(at.open()))
      yield* Effect.gen(function* () {
        const queue = yield* open("a")
        expect(yield* queue.take((_, { failures }) => Effect.succeed(failures))).toBe(1)
      }).pipe(session(at.open()))
    })
  )

  it.effect("keeps an interrupted element at its place", () =>
    Effect.gen(function* () {
      const queue = yield* open("a")
      for (const n of countTo(5)) yield* queue.offer(n)
      const first = yield* hold(queue)
      const second = yield* hold(queue)
      yield* Fiber.interrupt(second.fiber)
      yield* Fiber.interrupt(first.fiber)
      expect(yield* takeMany(queue, 5)).toEqual(countTo(5))
    }).pipe(session(LsmStore.layerMemory()))
  )

  it.effect("shares its queues with a layer that is built again, and not with another name", () =>
    Effect.gen(function* () {
      const first = yield* Effect.provide(open("a"), Layer.fresh(factory()))
      const again = yield* Effect.provide(open("a"), Layer.fresh(factory()))
      const other = yield* Effect.provide(open("a"), factory({ name: "other" }))
      yield* first.offer(1, "id")
      yield* other.offer(2, "id")
      yield* first.offer(3)
      expect(yield* first.take(() => again.take(number))).toBe(3)
      expect(yield* other.take(number)).toBe(2)
    }).pipe(session(LsmStore.layerMemory()))
  )

  it.effect("keeps what failed too often", () =>
    Effect.gen(function* () {
      const queue = yield* open("a", { maxAttempts: 2 })
      yield* TestClock.adjust(5)
      yield* queue.offer(7, "id")
      yield* queue.offer(8, "fine")
      for (let i = 0; i < 3; i++) yield* Effect.ignore(queue.take((n) => (n === 7 ? Effect.fail("boom") : number(n))))
      const failedAt = yield* Clock.currentTimeMillis
      expect(yield* LsmPersistedQueue.failed("a")).toEqual([{ id: "id", attempts: 2, failedAt, element: { n: "7" } }])
      expect(yield* LsmPersistedQueue.failed("b")).toEqual([])
      expect(yield* LsmPersistedQueue.failed("a", { name: "other" })).toEqual([])
    }).pipe(session(LsmStore.layerMemory()))
  )

  it.effect("removes an element that was processed", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const queue = yield* open("a")
      for (const n of countTo(10)) yield* queue.offer(n)
      yield* takeMany(queue, 10)
      expect(yield* store.count()).toBe(0)
    }).pipe(session(LsmStore.layerMemory()))
  )

  it.effect("reads a long queue in parts", () =>
    Effect.gen(function* () {
      const queue = yield* open("a")
      // Concurrent offers are in the order in which they begin, once the queue is open.
      yield* queue.offer(0)
      const others = countTo(3000).slice(1)
      yield* Effect.forEach(others, (n) => queue.offer(n), { concurrency: 64, discard: true })
      const taken: Array<number> = []
      for (let i = 0; i < 3000; i++) taken.push(yield* queue.take(number))
      expect(taken).toEqual(countTo(3000))
    }).pipe(session(LsmStore.layerMemory()))
  )

  // The memory layer of Effect 3 cannot: of two takers that wake for one element, the second one dies.
  it.effect("gives each of 640 elements to one of 64 takers", () =>
    Effect.gen(function* () {
      const queue = yield* open("a")
      const fiber = yield* Effect.fork(Effect.forEach(countTo(64), () => takeMany(queue, 10), { concurrency: 64 }))
      yield* Effect.forEach(countTo(640), (n) => queue.offer(n), { concurrency: 64, discard: true })
      const taken = (yield* Fiber.join(fiber)).flat()
      expect(taken.sort((a, b) => a - b)).toEqual(countTo(640))
    }).pipe(session(LsmStore.layerMemory()))
  )

  it.effect("fails with what it cannot store as the cause", () =>
    Effect.gen(function* () {
      const causes = yield* Effect.forEach(
        [
          Effect.flip(offerRaw("a", 1n)),
          Effect.flip(offerRaw("a", 1, "\ud800")),
          Effect.flip(offerRaw("\ud800", 1)),
          Effect.flip(offerRaw("a", 1, "i".repeat(100_000)))
        ],
        (flipped) => Effect.map(flipped, ({ _tag, cause }) => [_tag, (cause as { _tag?: string })._tag ?? cause])
      )
      expect(causes).toMatchObject([
        ["PersistedQueueError", expect.any(TypeError)],
        ["PersistedQueueError", "InvalidArgument"],
        ["PersistedQueueError", "InvalidArgument"],
        ["PersistedQueueError", "LimitExceeded"]
      ])
      yield* offerRaw("a", undefined)
      expect(yield* Effect.scoped(takeRaw("a"))).toMatchObject({ id: "raw", element: undefined })
    }).pipe(Effect.provide(Layer.provide(LsmPersistedQueue.layer(), LsmStore.layerMemory())))
  )

  it.effect("refuses a name that is none", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(open("a"), factory({ name: "" })))
      expect(error).toMatchObject({ _tag: "InvalidArgument", argument: "name" })
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("fails when the store is closed", () =>
    Effect.gen(function* () {
      const at = yield* memory
      const queue = yield* open("a").pipe(session(at.open()))
      expect(yield* Effect.flip(queue.offer(1))).toMatchObject({ _tag: "PersistedQueueError" })
      expect(yield* Effect.flip(queue.take(number))).toMatchObject({ cause: { _tag: "StoreClosed" } })
    })
  )
})
