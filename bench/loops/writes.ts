import type { Loops } from "./loop.js"

export const puts = {
  sync:
    (calls, { entries: { keyAt, valueAt }, order }) =>
    (from, to) => {
      for (let i = from; i < to; i++) calls.put(keyAt(order[i]!), valueAt(order[i]!))
    },
  async:
    (calls, { entries: { keyAt, valueAt }, order }) =>
    async (from, to) => {
      for (let i = from; i < to; i++) await calls.put(keyAt(order[i]!), valueAt(order[i]!))
    }
} satisfies Loops

export const writersAtOnce = 64

/** 64 concurrent writers, each with one put at a time. A synchronous store has only one writer. */
export const concurrentPuts: Loops = {
  sync: puts.sync,
  async:
    (calls, { entries: { keyAt, valueAt }, order }) =>
    async (from, to) => {
      let next = from
      const writer = async () => {
        while (next < to) {
          const i = order[next++]!
          await calls.put(keyAt(i), valueAt(i))
        }
      }
      await Promise.all(Array.from({ length: writersAtOnce }, writer))
    }
}

/** Each slice is one batch. */
export const batches: Loops = {
  sync:
    (calls, { entries: { keyAt, valueAt } }) =>
    (from, to) =>
      calls.batch(keyAt, valueAt, from, to),
  async:
    (calls, { entries: { keyAt, valueAt } }) =>
    async (from, to) => {
      await calls.batch(keyAt, valueAt, from, to)
    }
}

export const deletes: Loops = {
  sync:
    (calls, { entries: { keyAt }, order }) =>
    (from, to) => {
      for (let i = from; i < to; i++) calls.delete(keyAt(order[i]!))
    },
  async:
    (calls, { entries: { keyAt }, order }) =>
    async (from, to) => {
      for (let i = from; i < to; i++) await calls.delete(keyAt(order[i]!))
    }
}
