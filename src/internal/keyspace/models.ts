import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { KeyspaceError } from "../../KeyspaceError.js"
import type { InvalidArgument } from "../../LsmError.js"
import type {
  FeedError,
  PutOptions,
  ReadError,
  ReadOptions,
  Transaction,
  WriteError,
  WriteOptions
} from "../../OrderedStore.js"
import type { WriteBatch } from "../../WriteBatch.js"
import type { Expiry } from "../expiry/expiry.js"
import type { Index, IndexedRows, IndexFinding, IndexProgress } from "./indexModels.js"
import type { MigrationProgress } from "./migrateRows.js"
import type { RowChange, RowChangesOptions } from "./rowChanges.js"
import type { CollectRowsOptions, Row, RowRange, ScanRowsOptions } from "./rowModels.js"

export type { RowChange, RowChangesOptions, RowOperation } from "./rowChanges.js"
export type { CollectRowsOptions, Prefix, Row, RowRange, ScanRowsOptions } from "./rowModels.js"

/**
 * Options of `page`.
 *
 * @since 3.1.0
 * @category models
 */
export interface PageOptions<K> extends RowRange<K>, ReadOptions {
  /** Most rows of the page, at least 1. */
  readonly limit: number
  /** Continue after a page: its `next`. Default: the first page. */
  readonly after?: string | undefined
  /** Return rows from the last key to the first. Default false. */
  readonly reverse?: boolean | undefined
}

/**
 * Some rows of a range. `next` is undefined if no row follows.
 *
 * @since 3.1.0
 * @category models
 */
export interface Page<K, V> {
  readonly rows: ReadonlyArray<Row<K, V>>
  readonly next: string | undefined
}

/**
 * The rows of a keyspace, in a store or as a transaction sees them.
 *
 * Each operation fails with `KeyspaceDropped` after the keyspace was dropped, and with `EncodeFailed`
 * for a key or a value that the Schemas refuse. Reads fail with `DecodeFailed` for a stored row that
 * they refuse.
 *
 * @since 3.1.0
 * @category models
 */
export interface Rows<K, V> {
  readonly name: string
  /**
   * Sets the value of a key. Completes when the write is as durable as `durability` asks. The row may
   * expire, by `ttl` or `expiresAt`, unless the keyspace has indexes: that is an `InvalidArgument`.
   */
  readonly put: (key: K, value: V, options?: PutOptions) => Effect.Effect<void, WriteError | KeyspaceError>
  /** Deletes a key. Deleting a key that is absent is not an error. */
  readonly delete: (key: K, options?: WriteOptions) => Effect.Effect<void, WriteError | KeyspaceError>
  /** Returns the value of a key, or none if the key is absent. */
  readonly get: (key: K, options?: ReadOptions) => Effect.Effect<Option.Option<V>, ReadError | KeyspaceError>
  /** Returns the values of many keys as of one moment, in the order of `keys`. */
  readonly getMany: (
    keys: Iterable<K>,
    options?: ReadOptions
  ) => Effect.Effect<Array<Option.Option<V>>, ReadError | KeyspaceError>
  /** Returns whether a key is present. Its value is not read. */
  readonly has: (key: K, options?: ReadOptions) => Effect.Effect<boolean, ReadError | KeyspaceError>
  /** Streams the rows of a range in key order, as of the moment the Stream starts. */
  readonly scan: (options?: ScanRowsOptions<K>) => Stream.Stream<Row<K, V>, ReadError | KeyspaceError>
  /** Returns the rows of a range as an array. For a short range this is faster than `scan`. */
  readonly collect: (options?: CollectRowsOptions<K>) => Effect.Effect<Array<Row<K, V>>, ReadError | KeyspaceError>
  /** Returns the exact number of rows in a range. Reads all of their keys, and decodes none. */
  readonly count: (options?: RowRange<K> & ReadOptions) => Effect.Effect<number, ReadError | KeyspaceError>
  /**
   * Returns some rows of a range, and a string with which to ask for those that follow. The string
   * holds the last key, readable for all, and stays valid when the store is opened again. A string of
   * another keyspace, of one that was dropped, or of the other direction is an `InvalidArgument`.
   *
   * Each page sees its own moment. Give all of them one `snapshot` to see one.
   */
  readonly page: (options: PageOptions<K>) => Effect.Effect<Page<K, V>, ReadError | KeyspaceError>
  /** Returns the rows as an index of the keyspace finds them. */
  readonly by: <I>(index: Index<K, V, I>) => Effect.Effect<IndexedRows<K, V, I>, InvalidArgument>
  /** Returns the key under which the store has a row, for use with the `Store` itself. */
  readonly keyOf: (key: K) => Effect.Effect<Uint8Array, KeyspaceError>
}

/**
 * A keyspace that is open in a store.
 *
 * @since 3.1.0
 * @category models
 */
export interface OpenKeyspace<K, V> extends Rows<K, V> {
  /**
   * Adds a put to a batch, which may have writes of several keyspaces. A batch that is written after
   * a keyspace was dropped writes nothing that can be read there. A time to live begins when the batch
   * is written.
   */
  readonly putIn: (batch: WriteBatch, key: K, value: V, expiry?: Expiry) => Effect.Effect<void, KeyspaceError>
  /** Adds a delete to a batch. */
  readonly deleteIn: (batch: WriteBatch, key: K) => Effect.Effect<void, KeyspaceError>
  /**
   * Builds the indexes that are not ready, for rows that were there before them, in batches of
   * `batchSize` rows (default 256). It may be interrupted, or end with the process, and goes on from
   * there. Others may write meanwhile. Fails with `UniqueViolation` if two rows have one key in a unique
   * index.
   */
  readonly buildIndexes: (options?: {
    readonly batchSize?: number | undefined
  }) => Stream.Stream<IndexProgress, WriteError | KeyspaceError>
  /**
   * Compares rows and indexes as of one moment, and returns the differences, at most `limit` (default
   * 100). There are none unless rows were changed past the keyspace, or an index means another thing
   * than when it was made, without a new version.
   */
  readonly checkIndexes: (options?: {
    readonly limit?: number | undefined
  }) => Effect.Effect<ReadonlyArray<IndexFinding>, ReadError | KeyspaceError>
  /**
   * Writes rows of earlier versions anew, `batchSize` at a time (default 256), so that reads need not
   * migrate them. It may be interrupted, or end with the process, and goes on from there. Others may
   * write meanwhile. Rows that expire keep their time.
   */
  readonly migrate: (options?: {
    readonly batchSize?: number | undefined
  }) => Stream.Stream<MigrationProgress, WriteError | KeyspaceError>
  /**
   * Streams what is written to the rows, in order, live and from an earlier place: `Store.changes` with
   * keys and values of the Schemas. Each write is one change, as a whole, with its operations on this
   * keyspace. Now and then there is a change without operations, which only says how far the feed is.
   */
  readonly changes: (options?: RowChangesOptions) => Stream.Stream<RowChange<K, V>, FeedError | KeyspaceError>
  /**
   * Returns the rows as a transaction sees them. Writes become writes of the transaction. The options
   * `snapshot` and `durability` have no effect there. Fails with `InvalidArgument` for a transaction
   * of another store, or one that has ended.
   */
  readonly within: (transaction: Transaction) => Effect.Effect<Rows<K, V>, InvalidArgument>
}
