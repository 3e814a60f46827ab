import { expect } from "../lib/row.js"
import type { Loops } from "./loop.js"

const check = (bytes: number, found: number, valueSize: number) => expect("bytes read", bytes, found * valueSize)

/** Gets existing keys, or absent keys if `valueSize` is 0. */
export const gets: Loops = {
  sync:
    (calls, { entries: { keyAt, valueSize }, order }) =>
    (from, to) => {
      let bytes = 0
      for (let i = from; i < to; i++) bytes += calls.get(keyAt(order[i]!))?.length ?? 0
      check(bytes, to - from, valueSize)
    },
  async:
    (calls, { entries: { keyAt, valueSize }, order }) =>
    async (from, to) => {
      let bytes = 0
      for (let i = from; i < to; i++) bytes += (await calls.get(keyAt(order[i]!)))?.length ?? 0
      check(bytes, to - from, valueSize)
    }
}

export const keysAtOnce = 100

const sizeOf = (values: ReadonlyArray<Uint8Array | undefined>): number => {
  let bytes = 0
  for (let i = 0; i < values.length; i++) bytes += values[i]?.length ?? 0
  return bytes
}

/** Each operation gets a hundred keys. */
export const getManys: Loops = {
  sync:
    (calls, { entries: { keyAt, valueSize }, order }) =>
    (from, to) => {
      let bytes = 0
      for (let i = from; i < to; i++) {
        const keys: Array<Uint8Array> = []
        for (let j = i * keysAtOnce; j < (i + 1) * keysAtOnce; j++) keys.push(keyAt(order[j]!))
        bytes += sizeOf(calls.getMany(keys))
      }
      check(bytes, (to - from) * keysAtOnce, valueSize)
    },
  async:
    (calls, { entries: { keyAt, valueSize }, order }) =>
    async (from, to) => {
      let bytes = 0
      for (let i = from; i < to; i++) {
        const keys: Array<Uint8Array> = []
        for (let j = i * keysAtOnce; j < (i + 1) * keysAtOnce; j++) keys.push(keyAt(order[j]!))
        bytes += sizeOf(await calls.getMany(keys))
      }
      check(bytes, (to - from) * keysAtOnce, valueSize)
    }
}

/** Each operation scans all entries. */
export const walks = (reverse: boolean): Loops => ({
  sync:
    (calls, { entries: { count, valueSize, keyAt } }) =>
    (from, to) => {
      for (let i = from; i < to; i++) check(calls.readAll(reverse), count, keyAt(0).length + valueSize)
    },
  async:
    (calls, { entries: { count, valueSize, keyAt } }) =>
    async (from, to) => {
      for (let i = from; i < to; i++) check(await calls.readAll(reverse), count, keyAt(0).length + valueSize)
    }
})

export const seekLength = 100

/** Each operation seeks a key and reads a hundred entries, or fewer at the end of the store. */
export const seeks: Loops = {
  sync:
    (calls, { entries: { keyAt }, order }) =>
    (from, to) => {
      for (let i = from; i < to; i++) if (calls.seek(keyAt(order[i]!), seekLength) === 0) throw new Error("no entries")
    },
  async:
    (calls, { entries: { keyAt }, order }) =>
    async (from, to) => {
      for (let i = from; i < to; i++) {
        if ((await calls.seek(keyAt(order[i]!), seekLength)) === 0) throw new Error("no entries")
      }
    }
}
