import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { LsmStore } from "effect-lsm"

/** Yields to the event loop, so that timers and sockets can run. */
const turn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

describe("a loop that never waits", () => {
  it.live("of compactions with nothing to do yields to the event loop", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      let compactions = 0
      const loop = yield* Effect.fork(
        Effect.forever(Effect.tap(store.compact(), () => Effect.sync(() => compactions++)))
      )
      for (let i = 0; i < 10; i++) yield* turn
      expect(compactions).toBeLessThan(1000)
      yield* Fiber.interrupt(loop)
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.live("of gets or buffered puts yields to other fibers, and ends when it is interrupted", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      yield* store.put("a", "1")
      // Let background work end first: a loop of reads yields to it.
      for (let i = 0; i < 100; i++) yield* turn
      for (const once of [store.get("a"), store.put("b", "2", { durability: "buffered" })]) {
        let done = 0
        const loop = yield* Effect.fork(
          Effect.gen(function* () {
            for (;;) {
              yield* once
              if (++done > 3_000_000) throw new Error("no other fiber has run")
            }
          })
        )
        while (done === 0) yield* Effect.yieldNow()
        expect(done).toBeLessThan(100_000)
        yield* Fiber.interrupt(loop)
        const then = done
        yield* Effect.yieldNow()
        expect(done).toBe(then)
      }
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )
})

describe("an operation that completes at once", () => {
  it.effect("starts when a fiber runs it, and starts again each time", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const get = store.getString("a")
      const put = store.put("a", "1", { durability: "buffered" })
      expect(yield* get).toEqual(Option.none())
      yield* put
      expect(yield* get).toEqual(Option.some("1"))
      yield* store.put("a", "2")
      expect(yield* get).toEqual(Option.some("2"))
      yield* put
      expect(yield* Effect.map(get, Option.getOrThrow)).toBe("1")
    }).pipe(Effect.provide(LsmStore.layerMemory()))
  )

  it.effect("fails with its typed error in a generator and outside", () =>
    Effect.gen(function* () {
      const wrong = 7 as unknown as string
      const closed = yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* LsmStore.LsmStore
          for (const refused of [store.get(wrong), store.put(wrong, "1"), store.getMany([wrong])]) {
            const inGenerator = Effect.gen(function* () {
              yield* refused
              return "went on"
            })
            expect(yield* Effect.flip(inGenerator)).toMatchObject({ _tag: "InvalidArgument" })
            expect(yield* Effect.flip(refused as Effect.Effect<unknown, unknown>)).toMatchObject({ argument: "key" })
          }
          return store
        }).pipe(Effect.provide(LsmStore.layerMemory()))
      )
      const late = Effect.gen(function* () {
        yield* closed.get("a")
      })
      expect(yield* Effect.flip(late)).toMatchObject({ _tag: "StoreClosed" })
    })
  )
})
