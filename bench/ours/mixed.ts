import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Ycsb from "../lib/ycsb.js"
import { readsAWrite } from "../loops/mixed.js"
import type { EffectLoop } from "./loop.js"
import { scanFrom } from "./reads.js"

/** With every tenth get a fiber is forked that puts; it is joined ten gets later. */
export const readsWhileWriting: EffectLoop =
  (store, { entries: { keyAt, valueAt }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      let written: Fiber.Fiber<void, unknown> = Fiber.void
      for (let i = from; i < to; i++) {
        if (i % readsAWrite === 0) {
          yield* Fiber.join(written)
          written = yield* Effect.fork(store.put(keyAt(i), valueAt(i)))
        }
        if (Option.isNone(yield* store.get(keyAt(order[i]!)))) throw new Error("not found")
      }
      yield* Fiber.join(written)
    })

export const ycsb: EffectLoop =
  (store, { entries: { keyAt, valueAt }, tape }) =>
  (from, to) =>
    Effect.gen(function* () {
      const { kinds, indexes, lengths } = tape!
      for (let i = from; i < to; i++) {
        const kind = kinds[i]!
        const key = keyAt(indexes[i]!)
        if (kind === Ycsb.scan) yield* scanFrom(store, key, lengths[i]!)
        else {
          if (kind === Ycsb.read || kind === Ycsb.readModifyWrite) {
            if (Option.isNone(yield* store.get(key))) throw new Error("not found")
          }
          if (kind !== Ycsb.read) yield* store.put(key, valueAt(indexes[i]!))
        }
      }
    })

export const timedMix: EffectLoop =
  (store, { entries: { keyAt, valueAt }, tape, times }) =>
  (from, to) =>
    Effect.gen(function* () {
      const { kinds, indexes } = tape!
      for (let i = from; i < to; i++) {
        const key = keyAt(indexes[i]!)
        const begin = performance.now()
        if (kinds[i] === Ycsb.update) yield* store.put(key, valueAt(i))
        else yield* store.get(key)
        times![i] = performance.now() - begin
      }
    })
