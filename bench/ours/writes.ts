import * as Effect from "effect/Effect"
import * as WriteBatch from "effect-lsm/WriteBatch"
import { writersAtOnce } from "../loops/writes.js"
import type { EffectLoop } from "./loop.js"

export const puts: EffectLoop =
  (store, { entries: { keyAt, valueAt }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) yield* store.put(keyAt(order[i]!), valueAt(order[i]!))
    })

export const timedPuts: EffectLoop =
  (store, { entries: { keyAt, valueAt }, order, times }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        const begin = performance.now()
        yield* store.put(keyAt(order[i]!), valueAt(order[i]!))
        times![i] = performance.now() - begin
      }
    })

/** 64 fibers, each with one put at a time. */
const writers = (from: number, to: number, put: (index: number) => Effect.Effect<void, unknown>) => {
  let next = from
  const writer = Effect.gen(function* () {
    while (next < to) yield* put(next++)
  })
  return Effect.all(
    Array.from({ length: writersAtOnce }, () => writer),
    { concurrency: "unbounded", discard: true }
  )
}

export const concurrentPuts: EffectLoop =
  (store, { entries: { keyAt, valueAt }, order }) =>
  (from, to) =>
    writers(from, to, (i) => store.put(keyAt(order[i]!), valueAt(order[i]!)))

/** A fiber for each put, 64 at a time. */
export const forEachPuts: EffectLoop =
  (store, { entries: { keyAt, valueAt }, order }) =>
  (from, to) =>
    Effect.forEach(order.subarray(from, to), (i) => store.put(keyAt(i), valueAt(i)), {
      concurrency: writersAtOnce,
      discard: true
    })

/** 64 fibers that put one at a time, so that no two puts share a sync. */
export const serialPuts: EffectLoop = (store, { entries: { keyAt, valueAt }, order }) => {
  const permit = Effect.unsafeMakeSemaphore(1)
  return (from, to) => writers(from, to, (i) => permit.withPermits(1)(store.put(keyAt(order[i]!), valueAt(order[i]!))))
}

export const batches: EffectLoop = (store, { entries: { keyAt, valueAt } }) => {
  const batch = WriteBatch.make()
  return (from, to) =>
    Effect.gen(function* () {
      batch.clear()
      for (let i = from; i < to; i++) batch.put(keyAt(i), valueAt(i))
      yield* store.write(batch)
    })
}

export const deletes: EffectLoop =
  (store, { entries: { keyAt }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) yield* store.delete(keyAt(order[i]!))
    })
