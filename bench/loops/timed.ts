import * as Ycsb from "../lib/ycsb.js"
import type { Loops } from "./loop.js"

/** Puts, each timed. */
export const timedPuts: Loops = {
  sync:
    (calls, { entries: { keyAt, valueAt }, order, times }) =>
    (from, to) => {
      for (let i = from; i < to; i++) {
        const begin = performance.now()
        calls.put(keyAt(order[i]!), valueAt(order[i]!))
        times![i] = performance.now() - begin
      }
    },
  async:
    (calls, { entries: { keyAt, valueAt }, order, times }) =>
    async (from, to) => {
      for (let i = from; i < to; i++) {
        const begin = performance.now()
        await calls.put(keyAt(order[i]!), valueAt(order[i]!))
        times![i] = performance.now() - begin
      }
    }
}

/** Gets, each timed. */
export const timedGets: Loops = {
  sync:
    (calls, { entries: { keyAt }, order, times }) =>
    (from, to) => {
      for (let i = from; i < to; i++) {
        const begin = performance.now()
        const value = calls.get(keyAt(order[i]!))
        times![i] = performance.now() - begin
        if (value === undefined) throw new Error("not found")
      }
    },
  async:
    (calls, { entries: { keyAt }, order, times }) =>
    async (from, to) => {
      for (let i = from; i < to; i++) {
        const begin = performance.now()
        const value = await calls.get(keyAt(order[i]!))
        times![i] = performance.now() - begin
        if (value === undefined) throw new Error("not found")
      }
    }
}

/**
 * Reads and updates of a tape, each timed. The gets of a store with promises are synchronous if it
 * has such calls.
 */
export const timedMix: Loops = {
  sync:
    (calls, { entries: { keyAt, valueAt }, tape, times }) =>
    (from, to) => {
      const { kinds, indexes } = tape!
      for (let i = from; i < to; i++) {
        const key = keyAt(indexes[i]!)
        const begin = performance.now()
        if (kinds[i] === Ycsb.update) calls.put(key, valueAt(i))
        else calls.get(key)
        times![i] = performance.now() - begin
      }
    },
  async:
    (calls, { entries: { keyAt, valueAt }, tape, times }, { get }) =>
    async (from, to) => {
      const { kinds, indexes } = tape!
      for (let i = from; i < to; i++) {
        const key = keyAt(indexes[i]!)
        const begin = performance.now()
        if (kinds[i] === Ycsb.update) await calls.put(key, valueAt(i))
        else if (get === undefined) await calls.get(key)
        else get(key)
        times![i] = performance.now() - begin
      }
    }
}
