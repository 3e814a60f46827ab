import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Stream from "effect/Stream"
import type {
  InvalidArgument,
  LimitExceeded,
  ReadError,
  TransactionConflict,
  TransactionTooOld,
  WriteError
} from "../../LsmError.js"
import type { Bytes, CollectOptions, Entry, Expiry, Range, ScanOptions, WriteOptions } from "../../Store.js"
import type { WriteBatch } from "../../WriteBatch.js"

/**
 * The store as a transaction sees it: as of one moment, with the transaction's own writes. Its
 * methods are those of `Store`, without the option `snapshot`. They fail with `InvalidArgument` when
 * the transaction has ended.
 *
 * Writes are kept in memory until the program ends.
 *
 * @since 3.1.0
 * @category models
 */
export interface Transaction {
  /** The `identity` of the store, as in `OrderedStore`. */
  readonly identity: object
  readonly get: (key: Bytes) => Effect.Effect<Option.Option<Uint8Array>, ReadError>
  readonly getString: (key: Bytes) => Effect.Effect<Option.Option<string>, ReadError>
  readonly getMany: (keys: Iterable<Bytes>) => Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError>
  readonly has: (key: Bytes) => Effect.Effect<boolean, ReadError>
  readonly scan: (options?: Omit<ScanOptions, "snapshot">) => Stream.Stream<Entry, ReadError>
  readonly collect: (options?: Omit<CollectOptions, "snapshot">) => Effect.Effect<Array<Entry>, ReadError>
  readonly count: (range?: Range) => Effect.Effect<number, ReadError>
  /** A time to live begins now, not when the transaction is written. */
  readonly put: (key: Bytes, value: Bytes, expiry?: Expiry) => Effect.Effect<void, InvalidArgument | LimitExceeded>
  readonly delete: (key: Bytes) => Effect.Effect<void, InvalidArgument | LimitExceeded>
  /** Deletes all keys in a range. It is no read, so it conflicts with no other write. */
  readonly deleteRange: (range: Range) => Effect.Effect<void, InvalidArgument | LimitExceeded>
  /** Adds the operations of a batch, which must have no checks. */
  readonly write: (batch: WriteBatch) => Effect.Effect<void, InvalidArgument | LimitExceeded>
}

/**
 * Options of a transaction.
 *
 * @since 3.1.0
 * @category models
 */
export interface Options extends WriteOptions {
  /**
   * When to run the program again after a conflict. Default: at once, then after random times that
   * double up to 200 ms, 30 times in all. `Schedule.recurs(0)` never runs it again.
   */
  readonly retry?: Schedule.Schedule<unknown, TransactionConflict> | undefined
}

/**
 * The errors of a transaction besides those of its program.
 *
 * @since 3.1.0
 * @category models
 */
export type TransactionError = WriteError | TransactionConflict | TransactionTooOld
