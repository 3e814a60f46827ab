import type * as Persistence from "@effect/experimental/Persistence"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { LsmStore, OrderedStore } from "effect-lsm"
import * as LsmPersistence from "effect-lsm/Persistence"
import { backends } from "../support/adapters/backends.js"
import {
  causeOf,
  memoryLayer,
  memoryResultLayer,
  open,
  openCache,
  openResults,
  User,
  UserRequest
} from "../support/adapters/persistence.js"
import { disk, memory } from "../support/places.js"

const ada = new User({ id: 1, name: "Ada" })
const request = (id: number) => new UserRequest({ id })

for (const [name, layer] of backends(memoryLayer, LsmPersistence.layer())) {
  describe(`BackingPersistence on ${name}`, () => {
    const test = (
      title: string,
      body: (
        store: Effect.Effect.Success<ReturnType<typeof open>>
      ) => Effect.Effect<void, unknown, Scope.Scope | Persistence.BackingPersistence>
    ) => it.scoped(title, () => Effect.flatMap(open("store"), body).pipe(Effect.provide(layer)))

    test("returns what was set, and replaces it", (store) =>
      Effect.gen(function* () {
        expect(yield* store.get("a")).toBeUndefined()
        yield* store.set("a", { n: 1, list: [null, "x", { deep: true }] })
        expect(yield* store.get("a")).toEqual({ n: 1, list: [null, "x", { deep: true }] })
        yield* store.set("a", ["é\u{1f600}\0"])
        expect(yield* store.get("a")).toEqual(["é\u{1f600}\0"])
      }))

    test("gets and sets many, in order", (store) =>
      Effect.gen(function* () {
        yield* store.setMany([
          ["b", { n: 2 }],
          ["a", { n: 1 }, 1000],
          ["b", { n: 3 }]
        ])
        expect(yield* store.getMany(["b", "x", "a", "b"])).toEqual([{ n: 3 }, undefined, { n: 1 }, { n: 3 }])
        expect(yield* store.getMany([])).toEqual([])
        yield* store.setMany([])
      }))

    test("keeps what has no time to live among many", (store) =>
      Effect.gen(function* () {
        yield* store.setMany([
          ["a", { n: 1 }],
          ["b", { n: 2 }, 1000]
        ])
        yield* TestClock.adjust(1_000_000)
        expect(yield* store.getMany(["a", "b"])).toEqual([{ n: 1 }, undefined])
      }))

    test("removes, and clears", (store) =>
      Effect.gen(function* () {
        for (const key of ["a", "b", "c"]) yield* store.set(key, { key })
        yield* store.remove("a")
        yield* store.remove("absent")
        expect(yield* store.getMany(["a", "b", "c"])).toEqual([undefined, { key: "b" }, { key: "c" }])
        yield* store.clear
        expect(yield* store.getMany(["a", "b", "c"])).toEqual([undefined, undefined, undefined])
        yield* store.set("a", { again: true })
        expect(yield* store.get("a")).toEqual({ again: true })
      }))

    test("expires when the time to live has passed, to the millisecond", (store) =>
      Effect.gen(function* () {
        yield* store.set("a", { n: 1 }, 1000)
        yield* TestClock.adjust(999)
        expect(yield* store.get("a")).toEqual({ n: 1 })
        yield* TestClock.adjust(1)
        expect(yield* store.get("a")).toBeUndefined()
        expect(yield* store.getMany(["a"])).toEqual([undefined])
      }))

    test("takes the time to live of the last set", (store) =>
      Effect.gen(function* () {
        yield* store.set("a", { n: 1 }, 1000)
        yield* store.set("a", { n: 2 })
        yield* store.set("b", { n: 1 })
        yield* store.set("b", { n: 2 }, 1000)
        yield* store.set("c", { n: 1 })
        yield* store.set("c", { n: 2 }, 0)
        yield* TestClock.adjust(1000)
        expect(yield* store.getMany(["a", "b", "c"])).toEqual([{ n: 2 }, undefined, undefined])
      }))

    test("keeps the stores of ids apart, and shares those of one id", (store) =>
      Effect.gen(function* () {
        const other = yield* open("store\0")
        const same = yield* open("store")
        yield* store.set("a", { n: 1 })
        yield* other.set("a", { n: 2 })
        expect(yield* same.get("a")).toEqual({ n: 1 })
        yield* store.clear
        expect(yield* same.get("a")).toBeUndefined()
        expect(yield* other.get("a")).toEqual({ n: 2 })
      }))
  })
}

for (const [name, layer] of backends(memoryResultLayer, LsmPersistence.layerResult())) {
  describe(`results and caches on ${name}`, () => {
    it.scoped("keeps successes and failures, each for its time", () =>
      Effect.gen(function* () {
        const results = yield* openResults("users")
        yield* results.set(request(1), Exit.succeed(ada))
        yield* results.setMany([[request(-1), Exit.fail("nobody")]])
        expect(yield* results.get(request(1))).toEqual(Exit.succeed(ada))
        expect(yield* results.getMany([request(-1), request(2), request(1)])).toEqual([
          Exit.fail("nobody"),
          undefined,
          Exit.succeed(ada)
        ])
        yield* TestClock.adjust(1000)
        expect(yield* results.get(request(-1))).toBeUndefined()
        yield* TestClock.adjust(4000)
        expect(yield* results.get(request(1))).toBeUndefined()
      }).pipe(Effect.provide(layer))
    )

    it.scoped("looks up once while the result is kept, in whatever cache", () =>
      Effect.gen(function* () {
        let lookups = 0
        const lookup = ({ id }: UserRequest) =>
          Effect.suspend(() => {
            lookups++
            return id < 0 ? Effect.fail("nobody") : Effect.succeed(new User({ id, name: "Ada" }))
          })
        const first = yield* openCache("users", lookup, { timeToLive: 5000, inMemoryTTL: 100 })
        expect(yield* first.get(request(1))).toEqual(ada)
        const second = yield* openCache("users", lookup, { timeToLive: 5000, inMemoryTTL: 100 })
        expect(yield* second.get(request(1))).toEqual(ada)
        expect(lookups).toBe(1)
        yield* TestClock.adjust(4999)
        expect(yield* first.get(request(1))).toEqual(ada)
        expect(lookups).toBe(1)
        yield* TestClock.adjust(200)
        expect(yield* second.get(request(1))).toEqual(ada)
        expect(lookups).toBe(2)
        yield* second.invalidate(request(1))
        expect(yield* second.get(request(1))).toEqual(ada)
        expect(lookups).toBe(3)
        expect(yield* Effect.flip(first.get(request(-1)))).toBe("nobody")
        expect(yield* Effect.flip(second.get(request(-1)))).toBe("nobody")
        expect(lookups).toBe(4)
      }).pipe(Effect.provide(layer))
    )
  })
}

describe("BackingPersistence on a store", () => {
  const openOurs = (storeId: string, options?: LsmPersistence.Options) =>
    Effect.provide(open(storeId), LsmPersistence.layer(options))

  for (const [name, place] of [
    ["memory", memory],
    ["disk", disk]
  ] as const) {
    it.scoped(`is there after the store in ${name} was opened again, and expires then`, () =>
      Effect.gen(function* () {
        const at = yield* place
        yield* Effect.flatMap(openOurs("a"), (store) =>
          store.setMany([
            ["for good", { n: 1 }],
            ["for a while", { n: 2 }, 1000]
          ])
        ).pipe(Effect.provide(at.open()))
        yield* Effect.gen(function* () {
          const store = yield* openOurs("a")
          expect(yield* store.getMany(["for good", "for a while"])).toEqual([{ n: 1 }, { n: 2 }])
          yield* TestClock.adjust(1000)
          expect(yield* store.getMany(["for good", "for a while"])).toEqual([{ n: 1 }, undefined])
        }).pipe(Effect.provide(at.open()))
      })
    )
  }

  it.scoped("does not see another name", () =>
    Effect.gen(function* () {
      const first = yield* openOurs("a")
      const second = yield* openOurs("a", { name: "second" })
      yield* first.set("k", { n: 1 })
      expect(yield* second.get("k")).toBeUndefined()
      yield* second.clear
      expect(yield* first.get("k")).toEqual({ n: 1 })
      expect(yield* Effect.flip(openOurs("a", { name: "" }))).toMatchObject({ argument: "name" })
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("frees the space of what has expired", () =>
    Effect.gen(function* () {
      const lsm = yield* LsmStore.LsmStore
      const store = yield* openOurs("a")
      yield* store.set("a", { n: 1 }, 1000)
      yield* TestClock.adjust(1000)
      yield* lsm.compact()
      expect((yield* lsm.stats).levels.reduce((n, { entries }) => n + entries, 0)).toBe(0)
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("writes all of many or none", () =>
    Effect.gen(function* () {
      const store = yield* openOurs("a")
      const circle: Record<string, unknown> = {}
      circle["self"] = circle
      const error = yield* Effect.flip(
        store.setMany([
          ["a", { n: 1 }],
          ["b", circle]
        ])
      )
      expect(causeOf(error)).toBeInstanceOf(TypeError)
      expect(causeOf(yield* Effect.flip(store.set("a", { n: 1n })))).toBeInstanceOf(TypeError)
      expect(yield* store.get("a")).toBeUndefined()
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("fails with what it cannot store or read as the cause", () =>
    Effect.gen(function* () {
      const { collect, limits, put } = yield* OrderedStore.OrderedStore
      const store = yield* openOurs("a")
      const long = "k".repeat(limits.keyBytes)
      expect(causeOf(yield* Effect.flip(store.set(long, {})))).toMatchObject({ _tag: "LimitExceeded" })
      for (const call of [store.set("\ud800", {}), store.get("\ud800"), store.getMany(["\ud800"])]) {
        expect(causeOf(yield* Effect.flip(call))).toMatchObject({ _tag: "InvalidArgument", argument: "key" })
      }
      yield* store.set("a", {})
      const [entry] = yield* collect({})
      yield* put(entry!.key, "{")
      expect(causeOf(yield* Effect.flip(store.get("a")))).toMatchObject({ _kind: "ForeignValue" })
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.scoped("fails when the store is closed", () =>
    Effect.gen(function* () {
      const at = yield* memory
      const store = yield* openOurs("a").pipe(Effect.provide(at.open()))
      for (const call of [store.get("a"), store.set("a", {}), store.remove("a"), store.clear]) {
        expect(causeOf(yield* Effect.flip<unknown, Parameters<typeof causeOf>[0], never>(call))).toMatchObject({
          _tag: "StoreClosed"
        })
      }
    })
  )

  it.scoped("takes writes of 64 fibers", () =>
    Effect.gen(function* () {
      const store = yield* openOurs("a")
      const keys = Array.from({ length: 64 }, (_, i) => `key ${i}`)
      yield* Effect.forEach(keys, (key) => store.set(key, { key }, 1000), { concurrency: 64, discard: true })
      expect(yield* store.getMany(keys)).toEqual(keys.map((key) => ({ key })))
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )
})
