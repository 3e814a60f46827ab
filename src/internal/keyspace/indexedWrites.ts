import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { equals } from "../../core/bytes/bytes.js"
import { type KeyspaceError, UniqueViolation } from "../../KeyspaceError.js"
import type { ReadError, WriteError } from "../../OrderedStore.js"
import { attempt } from "./attempt.js"
import { entryOf, type IndexEntry, isSameEntry, type OpenIndex } from "./indexEntries.js"

/** What writing with indexes needs of a transaction. */
export interface WritesWithin {
  readonly get: (key: Uint8Array) => Effect.Effect<Option.Option<Uint8Array>, ReadError>
  readonly put: (key: Uint8Array, value: Uint8Array) => Effect.Effect<void, WriteError>
  readonly delete: (key: Uint8Array) => Effect.Effect<void, WriteError>
}

/** A row to write or to delete. */
export interface RowWrite<K, V> {
  readonly key: K
  /** The key in the store, and the part of it behind the prefix of the keyspace. */
  readonly bytes: Uint8Array
  readonly row: Uint8Array
  /** Undefined to delete it. */
  readonly value: { readonly decoded: V; readonly bytes: Uint8Array } | undefined
}

/**
 * Writes a row and its entries in all indexes, in a transaction: the row before it says which entries
 * go.
 */
export const writeIndexed = <K, V>(
  keyspace: string,
  tx: WritesWithin,
  indexes: ReadonlyArray<OpenIndex<K, V>>,
  { bytes, key, row, value }: RowWrite<K, V>,
  decode: (bytes: Uint8Array) => V
): Effect.Effect<void, WriteError | KeyspaceError> =>
  Effect.flatMap(tx.get(bytes), (stored) =>
    attempt(() => {
      const before = Option.map(stored, decode)
      const steps: Array<Effect.Effect<void, WriteError | KeyspaceError>> = []
      for (const open of indexes) {
        const old = Option.isSome(before) ? entryOf(open, row, key, before.value) : undefined
        const entry = value === undefined ? undefined : entryOf(open, row, key, value.decoded)
        if (isSameEntry(old, entry)) {
          // The building may not have come to it yet.
          if (entry !== undefined && !open.state.isReady) steps.push(putEntry(keyspace, tx, open, entry))
          continue
        }
        if (old !== undefined) steps.push(open.index.isUnique ? deleteOwn(tx, old) : tx.delete(old.key))
        if (entry !== undefined) steps.push(putEntry(keyspace, tx, open, entry))
      }
      steps.push(value === undefined ? tx.delete(bytes) : tx.put(bytes, value.bytes))
      return Effect.all(steps, { discard: true })
    })
  )

/** In a unique index that is not ready, the entry may be that of another row. */
const deleteOwn = (tx: WritesWithin, entry: IndexEntry): Effect.Effect<void, WriteError> =>
  Effect.flatMap(tx.get(entry.key), (holder) =>
    Option.isSome(holder) && equals(holder.value, entry.row) ? tx.delete(entry.key) : Effect.void
  )

/** Puts an entry, unless a unique index has another row there. */
export const putEntry = <K, V>(
  keyspace: string,
  tx: WritesWithin,
  { codec, index, state }: OpenIndex<K, V>,
  entry: IndexEntry
): Effect.Effect<void, WriteError | KeyspaceError> => {
  const put: Effect.Effect<void, WriteError | KeyspaceError> = tx.put(entry.key, entry.row)
  if (!index.isUnique) return put
  return Effect.flatMap(tx.get(entry.key), (holder) =>
    Option.isSome(holder) && !equals(holder.value, entry.row)
      ? Effect.fail(
          new UniqueViolation({ keyspace, index: index.name, key: codec.textOf(entry.key, state.slot.prefix.length) })
        )
      : put
  )
}
