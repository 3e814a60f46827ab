import * as Effect from "effect/Effect"
import { decodeTuple } from "../../core/keys/decodeTuple.js"
import { afterAll } from "../../core/keys/prefixRange.js"
import type { WriteError } from "../../LsmError.js"
import type { Store, WriteOptions } from "../../Store.js"
import * as WriteBatch from "../../WriteBatch.js"
import { droppedPrefix, keyspacePrefix, reservedLength } from "./reserved.js"

/**
 * Options of `sweep`.
 *
 * @since 3.1.0
 * @category models
 */
export interface SweepOptions extends WriteOptions {
  /** Delete at most this many rows. Default 10,000. */
  readonly limit?: number | undefined
  /** Most rows that one batch deletes. Default 1,000. */
  readonly batchSize?: number | undefined
}

/**
 * What a sweep has done.
 *
 * @since 3.1.0
 * @category models
 */
export interface Swept {
  /** How many rows were deleted. */
  readonly deleted: number
  /** Whether nothing is left of the keyspaces that were dropped. */
  readonly isDone: boolean
}

/** Deletes the rows of dropped keyspaces, of one after the other. */
export const sweepStore = (
  store: Store,
  { batchSize, durability, limit }: WriteOptions & { readonly batchSize: number; readonly limit: number }
): Effect.Effect<Swept, WriteError> => {
  const write = (batch: WriteBatch.WriteBatch) => store.write(batch, { durability })
  const sweepOne = (dropped: Uint8Array, most: number) =>
    Effect.gen(function* () {
      const id = idOf(dropped)
      let deleted = 0
      while (id !== undefined && deleted < most) {
        const keys = yield* keysOf(store, id, Math.min(batchSize, most - deleted))
        if (keys.length === 0) break
        const batch = WriteBatch.make()
        for (const key of keys) batch.delete(key)
        yield* write(batch)
        deleted += keys.length
      }
      if (deleted < most) yield* write(WriteBatch.make().delete(dropped))
      return deleted
    })
  return Effect.gen(function* () {
    let deleted = 0
    for (;;) {
      const [dropped] = yield* store.collect({ prefix: droppedPrefix, limit: 1 })
      if (dropped === undefined) return { deleted, isDone: true }
      if (deleted >= limit) return { deleted, isDone: false }
      deleted += yield* sweepOne(dropped.key, limit - deleted)
    }
  })
}

/** The first keys of an id. Values are not read. */
const keysOf = (store: Store, id: bigint, count: number) => {
  const start = keyspacePrefix(id)
  return Effect.scoped(
    Effect.gen(function* () {
      const cursor = yield* store.cursor({ start, end: afterAll(start), keysOnly: true })
      const entries = (yield* cursor.first) ? yield* cursor.take(count) : []
      return entries.map(({ key }) => key)
    })
  )
}

/** The id of a dropped keyspace; undefined for an entry that is none, which is only removed. */
const idOf = (key: Uint8Array): bigint | undefined => {
  try {
    const id = decodeTuple(key, reservedLength)[2]
    return typeof id === "bigint" && id > 0n ? id : undefined
  } catch {
    return undefined
  }
}
