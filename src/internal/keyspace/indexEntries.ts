import { equals } from "../../core/bytes/bytes.js"
import { encodeTuple } from "../../core/keys/encodeTuple.js"
import type { IndexState } from "./directory.js"
import type { Index } from "./indexModels.js"
import type { RowCodec } from "./rowCodec.js"

/** An index of a keyspace that is open. */
export interface OpenIndex<K, V> {
  readonly index: Index<K, V, unknown>
  readonly codec: RowCodec<unknown, unknown>
  readonly state: IndexState
}

/** An entry of an index. Its value is the key of the row, without the prefix of the keyspace. */
export interface IndexEntry {
  readonly key: Uint8Array
  readonly row: Uint8Array
}

/**
 * The entry of a row in an index, or undefined if the index leaves the row out. In an index that is not
 * unique, the key of the row ends the key of the entry, so that rows of one index key stand together.
 *
 * @throws EncodeFailed
 */
export const entryOf = <K, V>(
  { codec, index, state }: OpenIndex<K, V>,
  row: Uint8Array,
  key: K,
  value: V
): IndexEntry | undefined => {
  const indexed = index.of(value, key)
  if (indexed === undefined) return undefined
  const bytes = codec.keyBytes(indexed, state.slot.prefix)
  return { key: index.isUnique ? bytes : encodeTuple([row], bytes), row }
}

export const isSameEntry = (a: IndexEntry | undefined, b: IndexEntry | undefined): boolean =>
  a === undefined || b === undefined ? a === b : equals(a.key, b.key) && equals(a.row, b.row)
