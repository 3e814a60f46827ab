import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { keySize } from "../lib/data.js"
import { expect } from "../lib/row.js"
import * as Ycsb from "../lib/ycsb.js"
import { queueLength, readsATurn, readsAWrite } from "../loops/mixed.js"
import type { EffectLoop } from "./loop.js"
import { sizeOf } from "./reads.js"
import { turn } from "./turn.js"

/** A buffered put is acknowledged at once, so every tenth get has a put before it. */
export const readsWhileWriting: EffectLoop =
  (store, { entries: { keyAt, valueAt }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        if (i % readsAWrite === 0) yield* store.put(keyAt(i), valueAt(i))
        if (Option.isNone(yield* store.get(keyAt(order[i]!)))) throw new Error("not found")
      }
    })

export const readsInTurns: EffectLoop =
  (store, { entries: { keyAt, valueAt }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        if (Option.isNone(yield* store.get(keyAt(order[i]!)))) throw new Error("not found")
        if (i % readsATurn !== readsATurn - 1) continue
        yield* turn
        yield* store.put(keyAt(i), valueAt(i))
      }
    })

export const queue: EffectLoop =
  (store, { entries: { keyAt, valueAt, valueSize }, times }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        yield* store.put(keyAt(i + queueLength), valueAt(i + queueLength))
        const begin = performance.now()
        const first = yield* store.collect({ limit: 1 })
        times![i] = performance.now() - begin
        expect("bytes of the first entry", sizeOf(first), keySize + valueSize)
        yield* store.delete(keyAt(i))
      }
    })

export const ycsb: EffectLoop =
  (store, { entries: { keyAt, valueAt }, tape }) =>
  (from, to) =>
    Effect.gen(function* () {
      const { kinds, indexes, lengths } = tape!
      for (let i = from; i < to; i++) {
        const kind = kinds[i]!
        const key = keyAt(indexes[i]!)
        if (kind === Ycsb.scan) sizeOf(yield* store.collect({ start: key, limit: lengths[i]! }))
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
