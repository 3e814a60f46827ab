import * as Ycsb from "../lib/ycsb.js"
import type { Loops } from "./loop.js"

export const readsAWrite = 10

/**
 * Every tenth get also starts a put, which is awaited ten gets later. A synchronous store puts in
 * between. The gets of a store with promises are synchronous if it has such calls.
 */
export const readsWhileWriting: Loops = {
  sync:
    (calls, { entries: { keyAt, valueAt }, order }) =>
    (from, to) => {
      for (let i = from; i < to; i++) {
        if (i % readsAWrite === 0) calls.put(keyAt(i), valueAt(i))
        if (calls.get(keyAt(order[i]!)) === undefined) throw new Error("not found")
      }
    },
  async: (calls, { entries: { keyAt, valueAt }, order }, { get }) => {
    return async (from, to) => {
      let written: Promise<unknown> | undefined
      for (let i = from; i < to; i++) {
        if (i % readsAWrite === 0) {
          await written
          written = calls.put(keyAt(i), valueAt(i))
        }
        const value = get === undefined ? await calls.get(keyAt(order[i]!)) : get(keyAt(order[i]!))
        if (value === undefined) throw new Error("not found")
      }
      await written
    }
  }
}

/** Runs the operations of a tape, one after the other. */
export const ycsb: Loops = {
  sync:
    (calls, { entries: { keyAt, valueAt }, tape }) =>
    (from, to) => {
      const { kinds, indexes, lengths } = tape!
      for (let i = from; i < to; i++) {
        const kind = kinds[i]!
        const key = keyAt(indexes[i]!)
        if (kind === Ycsb.scan) calls.seek(key, lengths[i]!)
        else {
          const reads = kind === Ycsb.read || kind === Ycsb.readModifyWrite
          if (reads && calls.get(key) === undefined) throw new Error("not found")
          if (kind !== Ycsb.read) calls.put(key, valueAt(indexes[i]!))
        }
      }
    },
  async:
    (calls, { entries: { keyAt, valueAt }, tape }, { get }) =>
    async (from, to) => {
      const { kinds, indexes, lengths } = tape!
      for (let i = from; i < to; i++) {
        const kind = kinds[i]!
        const key = keyAt(indexes[i]!)
        if (kind === Ycsb.scan) await calls.seek(key, lengths[i]!)
        else {
          if (kind === Ycsb.read || kind === Ycsb.readModifyWrite) {
            const value = get === undefined ? await calls.get(key) : get(key)
            if (value === undefined) throw new Error("not found")
          }
          if (kind !== Ycsb.read) await calls.put(key, valueAt(indexes[i]!))
        }
      }
    }
}
