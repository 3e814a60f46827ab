import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { KeyspaceError } from "../../KeyspaceError.js"
import type { InvalidArgument } from "../../LsmError.js"
import type { ReadError, ReadOptions } from "../../OrderedStore.js"
import type { RowCodec } from "./rowCodec.js"
import type { CollectRowsOptions, Row, RowRange, ScanRowsOptions } from "./rowModels.js"

/**
 * The description of a secondary index of a keyspace: what rows are found by.
 *
 * @since 3.1.0
 * @category models
 */
export interface Index<K, V, I> {
  readonly name: string
  readonly isUnique: boolean
  readonly version: number
  /** Private. */
  readonly of: (value: V, key: K) => unknown
  /** Private. */
  readonly codec: RowCodec<unknown, unknown> | InvalidArgument
  /** Never set: it only says the type of the index keys. */
  readonly indexKey?: I
}

/**
 * The rows of a keyspace, found by an index and in its order. Rows with equal index keys come in the
 * order of their own keys.
 *
 * Reads fail with `IndexNotReady` until the index has been built.
 *
 * @since 3.1.0
 * @category models
 */
export interface IndexedRows<K, V, I> {
  /** Returns the first row of an index key, or none. In a unique index there is no other. */
  readonly get: (key: I, options?: ReadOptions) => Effect.Effect<Option.Option<Row<K, V>>, ReadError | KeyspaceError>
  /** Streams the rows of a range of index keys, as of the moment the Stream starts. */
  readonly scan: (options?: ScanRowsOptions<I>) => Stream.Stream<Row<K, V>, ReadError | KeyspaceError>
  /** Returns the rows of a range of index keys as an array. */
  readonly collect: (options?: CollectRowsOptions<I>) => Effect.Effect<Array<Row<K, V>>, ReadError | KeyspaceError>
  /** Returns the number of rows in a range of index keys. Reads no row. */
  readonly count: (options?: RowRange<I> & ReadOptions) => Effect.Effect<number, ReadError | KeyspaceError>
}

/**
 * How far the building of an index is.
 *
 * @since 3.1.0
 * @category models
 */
export interface IndexProgress {
  readonly index: string
  /** Rows read since the building went on. */
  readonly rows: number
  readonly isDone: boolean
}

/**
 * A difference between the rows of a keyspace and an index. `missing`: a row is not in the index.
 * `extra`: an entry of the index leads to no row, or to one that does not belong there.
 *
 * @since 3.1.0
 * @category models
 */
export interface IndexFinding {
  readonly index: string
  readonly kind: "missing" | "extra"
  /** The key of the row, as the store has it. */
  readonly key: Uint8Array
}
