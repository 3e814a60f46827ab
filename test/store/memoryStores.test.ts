import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type LsmError, LsmStore, Storage, type Store } from "effect-lsm"

class Users extends Context.Tag("Users")<Users, Store.Store>() {}
class Orders extends Context.Tag("Orders")<Orders, Store.Store>() {}

const of = <Self, E>(tag: Context.Tag<Self, Store.Store>, store: Layer.Layer<LsmStore.LsmStore, E>) =>
  Layer.effect(tag, LsmStore.LsmStore).pipe(Layer.provide(store))

/** Whether either store sees a write to the other. */
const shareWrites = Effect.gen(function* () {
  const users = yield* Users
  const orders = yield* Orders
  yield* users.put("key", "users")
  const before = yield* orders.getString("key")
  yield* orders.put("key", "orders")
  const after = yield* users.getString("key")
  return Option.isSome(before) || !Option.contains("users")(after)
})

const inOneProgram = (
  users: Layer.Layer<LsmStore.LsmStore, LsmError.OpenError>,
  orders: Layer.Layer<LsmStore.LsmStore, LsmError.OpenError>
) => Effect.provide(shareWrites, Layer.mergeAll(of(Users, users), of(Orders, orders)))

describe("stores in memory", () => {
  it.effect("from two calls of layerMemory are separate in one program", () =>
    Effect.gen(function* () {
      expect(yield* inOneProgram(LsmStore.layerMemory(), LsmStore.layerMemory())).toBe(false)
      expect(yield* inOneProgram(LsmStore.layerMemory({ name: "a" }), LsmStore.layerMemory({ name: "b" }))).toBe(false)
    })
  )

  it.effect("from one call are the same store", () =>
    Effect.gen(function* () {
      const store = LsmStore.layerMemory()
      expect(yield* inOneProgram(store, store)).toBe(true)
    })
  )

  it.scoped("from makeMemory are separate, and close with their scope", () =>
    Effect.gen(function* () {
      const one = yield* LsmStore.makeMemory()
      const other = yield* LsmStore.makeMemory({ durability: "buffered" })
      yield* one.put("key", "one")
      expect(yield* other.getString("key")).toStrictEqual(Option.none())
      expect(yield* one.getString("key")).toStrictEqual(Option.some("one"))
      const closed = yield* Effect.scoped(LsmStore.makeMemory())
      expect(yield* Effect.flip(closed.get("key"))).toMatchObject({ _tag: "StoreClosed" })
    })
  )

  it.effect("on one Storage need separate directories", () =>
    Effect.gen(function* () {
      const on = (directory: string, storage: Layer.Layer<Storage.Storage>) =>
        Layer.provide(LsmStore.layerFromStorage({ directory }), storage)
      const { layerMemory } = Storage
      expect(yield* inOneProgram(on("/users", layerMemory), on("/orders", layerMemory))).toBe(false)
      expect(yield* Effect.flip(inOneProgram(on("/one", layerMemory), on("/one", layerMemory)))).toMatchObject({
        _tag: "StoreLocked",
        directory: "/one"
      })
      const apart = inOneProgram(on("/one", Layer.fresh(layerMemory)), on("/one", Layer.fresh(layerMemory)))
      expect(yield* apart).toBe(false)
    })
  )
})
