// Shows how to test a service without HTTP: orders at once, and a power cut between two of them.
// Run: npx vitest run examples/http-service
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import * as Testing from "effect-lsm/testing"
import { Shop } from "./shop.js"

describe("the shop", () => {
  it.live("sells no more than there is, however many order at once, and keeps what it sold in a power cut", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine()
      const session = <A, E>(use: Effect.Effect<A, E, Shop>) =>
        use.pipe(Effect.provide(Shop.layer), Effect.provide(machine.layer()))
      const placed = yield* session(
        Effect.gen(function* () {
          const shop = yield* Shop
          yield* shop.addProduct({ sku: "CUP", name: "a cup", stock: 7 })
          const orders = Array.from({ length: 10 }, (_, i) => shop.placeOrder(String(i), { sku: "CUP", quantity: 2 }))
          const outcomes = yield* Effect.all(orders.map(Effect.exit), { concurrency: "unbounded" })
          yield* machine.powerCut({ kept: "nothing" })
          return outcomes.flatMap((outcome, i) => (Exit.isSuccess(outcome) ? [i] : []))
        })
      )
      expect(placed).toHaveLength(3)
      yield* session(
        Effect.gen(function* () {
          const shop = yield* Shop
          expect((yield* shop.getProduct("CUP")).stock).toBe(1)
          for (const i of placed) yield* shop.placeOrder(String(i), { sku: "CUP", quantity: 2 })
          expect((yield* shop.getProduct("CUP")).stock).toBe(1)
        })
      )
    })
  )

  it.live("returns only Unavailable to clients when the disk fails", () =>
    Effect.gen(function* () {
      const machine = yield* Testing.makeMachine()
      const session = Effect.gen(function* () {
        const shop = yield* Shop
        yield* machine.fail({ operation: "sync", times: Number.POSITIVE_INFINITY })
        const failure = yield* Effect.flip(shop.addProduct({ sku: "CUP", name: "a cup", stock: 7 }))
        expect(failure._tag).toBe("Unavailable")
      })
      yield* session.pipe(Effect.provide(Shop.layer), Effect.provide(machine.layer()))
    })
  )
})
