import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as LsmOptions from "effect-lsm/LsmOptions"
import * as LsmStore from "effect-lsm/LsmStore"
import type * as Store from "effect-lsm/Store"
import * as WriteBatch from "effect-lsm/WriteBatch"
import type { Data } from "../lib/data.js"
import { noteBeforeClose, noteBeforeOpen } from "../lib/resident.js"

/** Runs a program with a store, and closes the store at the end. */
export const withStore = <A, E>(
  directory: string,
  options: LsmOptions.Tuning,
  use: (store: Store.Store) => Effect.Effect<A, E>
): Promise<A> => {
  noteBeforeOpen()
  return LsmStore.make({ directory, durability: "buffered", ...options }).pipe(
    Effect.flatMap(use),
    Effect.tap(() => Effect.sync(noteBeforeClose)),
    Effect.scoped,
    Effect.runPromise
  )
}

/** Writes `data` in batches. */
export const fill = (store: Store.Store, data: Data, size = 1000, options?: Store.WriteOptions) =>
  Effect.gen(function* () {
    const batch = WriteBatch.make()
    const count = data.keys.length
    for (let i = 0; i < count; i++) {
      batch.put(data.keys[i]!, data.values[i]!)
      if (batch.size < size && i < count - 1) continue
      yield* store.write(batch, options)
      batch.clear()
    }
  })

/** Runs a program with a store that has all of `data` in compacted tables and was reopened. */
export const withFilledStore = async <A, E>(
  directory: string,
  data: Data,
  use: (store: Store.Store) => Effect.Effect<A, E>,
  options: LsmOptions.Tuning = {}
): Promise<A> => {
  await withStore(directory, options, (store) => Effect.zipRight(fill(store, data), store.compact()))
  return withStore(directory, options, use)
}

export const sizeOf = (entries: Iterable<Store.Entry>): number => {
  let bytes = 0
  for (const entry of entries) bytes += entry.key.length + entry.value.length
  return bytes
}

/** Reads all entries and returns the bytes of their keys and values. */
export const readAll = (store: Store.Store) =>
  store.scan({ chunkSize: 1000 }).pipe(
    Stream.mapChunks((chunk) => Chunk.of(sizeOf(chunk))),
    Stream.runSum
  )
