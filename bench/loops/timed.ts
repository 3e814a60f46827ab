import type { Loops } from "./loop.js"

/** Puts, each of them timed. */
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

/** Gets, each of them timed. */
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
