import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as Store from "effect-lsm/Store"
import { keySize } from "../lib/data.js"
import { expect } from "../lib/row.js"
import { keysAtOnce, seekLength } from "../loops/reads.js"
import type { EffectLoop } from "./loop.js"

const check = (bytes: number, found: number, valueSize: number) => expect("bytes read", bytes, found * valueSize)

export const gets: EffectLoop =
  (store, { entries: { keyAt, valueSize }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      let bytes = 0
      for (let i = from; i < to; i++) {
        const value = yield* store.get(keyAt(order[i]!))
        if (Option.isSome(value)) bytes += value.value.length
      }
      check(bytes, to - from, valueSize)
    })

export const unsafeGets: EffectLoop =
  (store, { entries: { keyAt, valueSize }, order }) =>
  (from, to) =>
    Effect.sync(() => {
      let bytes = 0
      for (let i = from; i < to; i++) bytes += store.unsafeGet(keyAt(order[i]!))?.length ?? 0
      check(bytes, to - from, valueSize)
    })

export const timedGets: EffectLoop =
  (store, { entries: { keyAt }, order, times }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        const begin = performance.now()
        const value = yield* store.get(keyAt(order[i]!))
        times![i] = performance.now() - begin
        if (Option.isNone(value)) throw new Error("not found")
      }
    })

const lengthOf = (value: Uint8Array): number => value.length

/** Gets whose values are good until the next one, as those of LMDB's `getBinaryFast`. */
export const lentGets: EffectLoop =
  (store, { entries: { keyAt, valueSize }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      let bytes = 0
      for (let i = from; i < to; i++) {
        const length = yield* store.getWith(keyAt(order[i]!), lengthOf)
        if (Option.isSome(length)) bytes += length.value
      }
      check(bytes, to - from, valueSize)
    })

export const timedLentGets: EffectLoop =
  (store, { entries: { keyAt }, order, times }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        const begin = performance.now()
        const value = yield* store.getWith(keyAt(order[i]!), lengthOf)
        times![i] = performance.now() - begin
        if (Option.isNone(value)) throw new Error("not found")
      }
    })

export const getManys: EffectLoop =
  (store, { entries: { keyAt, valueSize }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      let bytes = 0
      for (let i = from; i < to; i++) {
        const keys: Array<Uint8Array> = []
        for (let j = i * keysAtOnce; j < (i + 1) * keysAtOnce; j++) keys.push(keyAt(order[j]!))
        const values = yield* store.getMany(keys)
        for (let j = 0; j < values.length; j++) bytes += Option.getOrThrow(values[j]!).length
      }
      check(bytes, (to - from) * keysAtOnce, valueSize)
    })

/** The bytes of keys and values. */
export const sizeOf = (entries: Iterable<Store.Entry>): number => {
  let bytes = 0
  for (const entry of entries) bytes += entry.key.length + entry.value.length
  return bytes
}

/** Large values come in smaller chunks, of about 1 MiB. */
const chunkSizeFor = (valueSize: number): number =>
  Math.max(1, Math.min(1000, Math.floor((1024 * 1024) / (valueSize + keySize))))

type Walk = (store: Store.Store, reverse: boolean, chunkSize: number) => Effect.Effect<number, unknown>

/** Scans a range and returns the bytes of its entries. */
const scanBytes = (store: Store.Store, options: Store.ScanOptions) =>
  Effect.suspend(() => {
    let bytes = 0
    const add = (chunk: Iterable<Store.Entry>) =>
      Effect.sync(() => {
        bytes += sizeOf(chunk)
      })
    return Effect.map(Stream.runForEachChunk(store.scan(options), add), () => bytes)
  })

const byStream: Walk = (store, reverse, chunkSize) => scanBytes(store, { reverse, chunkSize })

const byMappedStream: Walk = (store, reverse, chunkSize) =>
  store.scan({ reverse, chunkSize }).pipe(
    Stream.mapChunks((chunk) => Chunk.of(sizeOf(chunk))),
    Stream.runSum
  )

const byCursor: Walk = (store, _reverse, chunkSize) =>
  Effect.scoped(
    Effect.gen(function* () {
      let bytes = 0
      const cursor = yield* store.cursor()
      for (let found = yield* cursor.take(chunkSize); found.length > 0; found = yield* cursor.take(chunkSize)) {
        bytes += sizeOf(found)
      }
      return bytes
    })
  )

const walks =
  (walk: Walk, reverse: boolean): EffectLoop =>
  (store, { entries: { count, keyAt, valueSize } }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        check(yield* walk(store, reverse, chunkSizeFor(valueSize)), count, keyAt(0).length + valueSize)
      }
    })

export const streamWalks = walks(byStream, false)
export const mappedWalks = walks(byMappedStream, false)
export const cursorWalks = walks(byCursor, false)
/** Chunks of one entry. */
export const unchunkedWalks = walks(
  (store) =>
    Stream.runFold(store.scan({ chunkSize: 1 }), 0, (bytes, { key, value }) => bytes + key.length + value.length),
  false
)
export const reverseWalks = walks(byStream, true)

export const streamSeeks: EffectLoop =
  (store, { entries: { keyAt }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        const bytes = yield* scanBytes(store, { start: keyAt(order[i]!), limit: seekLength })
        if (bytes === 0) throw new Error("no entries")
      }
    })

/** Ranges as arrays. */
export const collectSeeks: EffectLoop =
  (store, { entries: { keyAt }, order }) =>
  (from, to) =>
    Effect.gen(function* () {
      for (let i = from; i < to; i++) {
        if (sizeOf(yield* store.collect({ start: keyAt(order[i]!), limit: seekLength })) === 0) {
          throw new Error("no entries")
        }
      }
    })

/** All ranges with one cursor. */
export const cursorSeeks: EffectLoop =
  (store, { entries: { keyAt }, order }) =>
  (from, to) =>
    Effect.scoped(
      Effect.gen(function* () {
        const cursor = yield* store.cursor()
        for (let i = from; i < to; i++) {
          yield* cursor.seek(keyAt(order[i]!))
          if (sizeOf(yield* cursor.take(seekLength)) === 0) throw new Error("no entries")
        }
      })
    )
