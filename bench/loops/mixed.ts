import { keySize } from "../lib/data.js"
import { expect } from "../lib/row.js"
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

/** How many gets of `readsInTurns` share a turn of the event loop. */
export const readsATurn = 16

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A turn of the event loop and a put after each 16 gets, like a server that answers requests. */
export const readsInTurns: Loops = {
  async:
    (calls, { entries: { keyAt, valueAt }, order }, { get, put }) =>
    async (from, to) => {
      for (let i = from; i < to; i++) {
        const value = get === undefined ? await calls.get(keyAt(order[i]!)) : get(keyAt(order[i]!))
        if (value === undefined) throw new Error("not found")
        if (i % readsATurn !== readsATurn - 1) continue
        await turn()
        if (put === undefined) await calls.put(keyAt(i), valueAt(i))
        else put(keyAt(i), valueAt(i))
      }
    }
}

/** How many entries the queue of `queue` holds. */
export const queueLength = 1000

/** Below all keys of the queue. */
export const queueStart = Buffer.of(0)

/** Appends an entry, reads the first one, timed, and deletes it. */
export const queue: Loops = {
  sync:
    (calls, { entries: { keyAt, valueAt, valueSize }, times }) =>
    (from, to) => {
      for (let i = from; i < to; i++) {
        calls.put(keyAt(i + queueLength), valueAt(i + queueLength))
        const begin = performance.now()
        const bytes = calls.seek(queueStart, 1)
        times![i] = performance.now() - begin
        expect("bytes of the first entry", bytes, keySize + valueSize)
        calls.delete(keyAt(i))
      }
    },
  async:
    (calls, { entries: { keyAt, valueAt, valueSize }, times }) =>
    async (from, to) => {
      for (let i = from; i < to; i++) {
        await calls.put(keyAt(i + queueLength), valueAt(i + queueLength))
        const begin = performance.now()
        const bytes = await calls.seek(queueStart, 1)
        times![i] = performance.now() - begin
        expect("bytes of the first entry", bytes, keySize + valueSize)
        await calls.delete(keyAt(i))
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
