import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Transaction from "effect-lsm/Transaction"
import { writersAtOnce } from "../loops/writes.js"
import type { EffectLoop } from "./loop.js"

/** Gets a key and puts its value back. */
export const readThenWrite: EffectLoop =
  (store, { entries: { keyAt }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        const key = keyAt(order[i]!)
        yield* store.put(key, Option.getOrThrow(yield* store.get(key)))
      }
    })

/** The same as a transaction. */
export const transactions: EffectLoop =
  (store, { entries: { keyAt }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        const key = keyAt(order[i]!)
        yield* Transaction.transact(store, (tx) =>
          Effect.flatMap(tx.get(key), (value) => tx.put(key, Option.getOrThrow(value)))
        )
      }
    })

/** 64 fibers that increment one counter of 8 bytes. */
export const increments: EffectLoop = (store) => {
  const increment = (value: Option.Option<Uint8Array>): Uint8Array => {
    const next = new Uint8Array(8)
    const count = Option.isSome(value) ? new DataView(value.value.slice().buffer).getFloat64(0) : 0
    new DataView(next.buffer).setFloat64(0, count + 1)
    return next
  }
  return (from, to) => {
    let next = from
    const writer = Effect.gen(function* () {
      while (next < to) {
        next++
        yield* store.update("counter", increment)
      }
    })
    return Effect.all(
      Array.from({ length: writersAtOnce }, () => writer),
      { concurrency: "unbounded", discard: true }
    )
  }
}
