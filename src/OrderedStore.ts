/**
 * The contract of an ordered key-value store: what applications, keyspaces and adapters rest on, and
 * what every engine behind them gives.
 *
 * @since 3.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Expiry } from "./internal/expiry/expiry.js"
import type * as LsmError from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import type { FeedReset, OutcomeUnknown, SequenceTooOld, SnapshotLost, Unavailable } from "./OrderedStoreError.js"
import type { WriteBatch } from "./WriteBatch.js"

/**
 * A key or a value. Strings are encoded as UTF-8; bytes are stored unchanged. Keys are ordered by
 * unsigned bytes. A string with a lone surrogate has no UTF-8 encoding: every operation fails on it
 * with `InvalidArgument`.
 *
 * @since 3.0.0
 * @category models
 */
export type Bytes = Uint8Array | string

/**
 * A key and its value. Both belong to the caller.
 *
 * Neighbouring entries share buffers of up to 64 KiB. Copy the few that you keep for long, so that
 * they do not hold the memory of the others.
 *
 * A shared buffer cannot be transferred to another thread: Node 20 sends a copy instead, and later
 * releases throw `DataCloneError`. A copy (`value.slice()`) can be transferred.
 *
 * @since 3.0.0
 * @category models
 */
export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/**
 * A range of keys: from `start` (inclusive) to `end` (exclusive), and only those that begin with
 * `prefix`. A bound that is missing does not limit the range.
 *
 * @since 3.0.0
 * @category models
 */
export interface Range {
  readonly start?: Bytes | undefined
  readonly end?: Bytes | undefined
  readonly prefix?: Bytes | undefined
}

/**
 * A point in the order of writes. Reads that are given a snapshot see the store as of that point. A
 * snapshot lives until its scope ends. Until then, compactions keep the versions that it sees.
 *
 * @since 3.0.0
 * @category models
 */
export interface Snapshot {
  readonly sequence: number
}

/**
 * Options of a read.
 *
 * @since 3.0.0
 * @category models
 */
export interface ReadOptions {
  /** Read the store as of this snapshot. Default: as of now. */
  readonly snapshot?: Snapshot | undefined
}

/**
 * A value and its version: a number that grows with each write to the store, and that no other
 * write of the key has.
 *
 * @since 3.1.0
 * @category models
 */
export interface VersionedValue {
  readonly value: Uint8Array
  readonly version: number
  /** When the value expires, in milliseconds since 1970. Left out if it does not. */
  readonly expiresAt?: number
}

/**
 * Options of `collect`.
 *
 * @since 3.0.0
 * @category models
 */
export interface CollectOptions extends Range, ReadOptions {
  /** Return entries from the last key to the first. Default false. */
  readonly reverse?: boolean | undefined
  /** Return at most this many entries. Default: all. */
  readonly limit?: number | undefined
}

/**
 * Options of `scan`, `keys` and `values`.
 *
 * @since 3.0.0
 * @category models
 */
export interface ScanOptions extends CollectOptions {
  /**
   * Most entries in a chunk of the Stream, from 1 to 65,536. A chunk also ends at 1 MiB. Default
   * 1,024.
   */
  readonly chunkSize?: number | undefined
}

/**
 * Options of a write.
 *
 * @since 3.0.0
 * @category models
 */
export interface WriteOptions {
  /** When this write is acknowledged. Default: the `durability` of the store. */
  readonly durability?: Durability | undefined
}

/**
 * Options of a write of one value.
 *
 * @since 3.1.0
 * @category models
 */
export interface PutOptions extends WriteOptions, Expiry {}

/**
 * The errors of a read.
 *
 * @since 3.1.0
 * @category models
 */
export type ReadError = LsmError.ReadError | SnapshotLost | Unavailable

/**
 * The errors of a write, those of a read among them. Only a batch with checks fails with `Conflict`.
 *
 * @since 3.1.0
 * @category models
 */
export type WriteError = ReadError | LsmError.WriteError | OutcomeUnknown

/**
 * The errors of a transaction besides those of its program.
 *
 * @since 3.1.0
 * @category models
 */
export type TransactionError = WriteError | LsmError.TransactionConflict | LsmError.TransactionTooOld

/**
 * The errors of a feed of changes.
 *
 * @since 3.1.0
 * @category models
 */
export type FeedError = WriteError | SequenceTooOld | FeedReset

/**
 * What an engine can take, as data. What exceeds a limit fails with `LimitExceeded`, and nothing is
 * written.
 *
 * @since 3.1.0
 * @category models
 */
export interface Limits {
  /** Most bytes of a key. */
  readonly keyBytes: number
  /** Most bytes of a value. */
  readonly valueBytes: number
  /** Most bytes of the keys and values of a batch or a transaction, with a few for each operation. */
  readonly batchBytes: number
  /** Most operations of a batch or a transaction. `Infinity` if there is no limit. */
  readonly batchOperations: number
  /** For how long a snapshot can be read, in milliseconds. `Infinity` if there is no limit. */
  readonly snapshotMillis: number
  /**
   * What a read outside a snapshot sees: `"linearizable"` is every write that was acknowledged before
   * it began, `"stale"` may miss the newest.
   */
  readonly reads: "linearizable" | "stale"
}

/**
 * The store as of one moment.
 *
 * @since 3.1.0
 * @category models
 */
export interface SnapshotView extends Snapshot {
  readonly get: (key: Bytes) => Effect.Effect<Option.Option<Uint8Array>, ReadError>
  readonly getEntry: (key: Bytes) => Effect.Effect<Option.Option<VersionedValue>, ReadError>
  readonly getMany: (keys: Iterable<Bytes>) => Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError>
  readonly has: (key: Bytes) => Effect.Effect<boolean, ReadError>
  readonly scan: (options?: Omit<ScanOptions, "snapshot">) => Stream.Stream<Entry, ReadError>
  readonly collect: (options?: Omit<CollectOptions, "snapshot">) => Effect.Effect<Array<Entry>, ReadError>
  readonly count: (range?: Range) => Effect.Effect<number, ReadError>
}

/**
 * The store as a transaction sees it: as of one moment, with the transaction's own writes.
 *
 * @since 3.1.0
 * @category models
 */
export interface Transaction {
  /** The `identity` of the transaction's store. */
  readonly identity: object
  readonly get: (key: Bytes) => Effect.Effect<Option.Option<Uint8Array>, ReadError>
  readonly getMany: (keys: Iterable<Bytes>) => Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError>
  readonly has: (key: Bytes) => Effect.Effect<boolean, ReadError>
  readonly scan: (options?: Omit<ScanOptions, "snapshot">) => Stream.Stream<Entry, ReadError>
  readonly collect: (options?: Omit<CollectOptions, "snapshot">) => Effect.Effect<Array<Entry>, ReadError>
  readonly count: (range?: Range) => Effect.Effect<number, ReadError>
  readonly put: (key: Bytes, value: Bytes, expiry?: Expiry) => Effect.Effect<void, WriteError>
  readonly delete: (key: Bytes) => Effect.Effect<void, WriteError>
  readonly deleteRange: (range: Range) => Effect.Effect<void, WriteError>
  /** Adds the operations of a batch, which must have no checks. */
  readonly write: (batch: WriteBatch) => Effect.Effect<void, WriteError>
}

/**
 * Options of a transaction.
 *
 * @since 3.1.0
 * @category models
 */
export interface TransactOptions extends WriteOptions {
  /** When to run the program again after a conflict. Default: that of the engine. */
  readonly retry?: Schedule.Schedule<unknown, LsmError.TransactionConflict> | undefined
}

/**
 * One operation of a change. `version` is that of `getEntry`. A value that expires is a `Put` with
 * `expiresAt`, in milliseconds since 1970; when it expires, no change says so.
 *
 * @since 3.1.0
 * @category models
 */
export type Operation =
  | {
      readonly _tag: "Put"
      readonly key: Uint8Array
      readonly value: Uint8Array
      readonly version: number
      readonly expiresAt?: number
    }
  | { readonly _tag: "Delete"; readonly key: Uint8Array; readonly version: number }
  | {
      readonly _tag: "DeleteRange"
      readonly start: Uint8Array
      /** Undefined if the range has no end. */
      readonly end: Uint8Array | undefined
      readonly version: number
    }

/**
 * What one batch, one transaction or one other write has changed. `position` is the place in the feed
 * after it: keep it to go on from there. A change without operations only says how far the feed has
 * come.
 *
 * @since 3.1.0
 * @category models
 */
export interface Change {
  readonly position: string
  readonly operations: ReadonlyArray<Operation>
}

/**
 * Options of `changes`.
 *
 * @since 3.1.0
 * @category models
 */
export interface ChangesOptions {
  /**
   * Where to begin: after a position, at the oldest change that there is, or with what is written from
   * now on. Default `"now"`.
   */
  readonly from?: string | "oldest" | "now" | undefined
  /** Only operations on keys that begin with these bytes; ranges are cut to them. Default: all. */
  readonly prefix?: Bytes | undefined
}

/**
 * What `watch` watches: one key, or all keys that begin with a prefix.
 *
 * @since 3.1.0
 * @category models
 */
export type Watched =
  | { readonly key: Bytes; readonly prefix?: undefined }
  | { readonly prefix: Bytes; readonly key?: undefined }

/**
 * The part of an ordered store that `Store` takes over as it is.
 *
 * @since 3.1.0
 * @category models
 */
export interface Capabilities {
  /** An object that copies of the service share, and that no other store has. */
  readonly identity: object
  readonly limits: Limits
  /** Runs a program as a serializable transaction: see `Transaction.transact`. */
  readonly transact: <A, E, R>(
    program: (transaction: Transaction) => Effect.Effect<A, E, R>,
    options?: TransactOptions
  ) => Effect.Effect<A, E | TransactionError, R>
  /**
   * Streams what is written, in order: each durable batch once, with nothing between left out. The
   * Stream does not end. A slow reader slows no writer; it may come too late for what is no longer
   * kept, and then fails with `SequenceTooOld`.
   */
  readonly changes: (options?: ChangesOptions) => Stream.Stream<Change, FeedError>
  /** The position in the feed at which a snapshot stands. All that it sees is durable then. */
  readonly positionOf: (snapshot: Snapshot) => Effect.Effect<string, WriteError>
  /** Streams the operations on one key, or on all keys with a prefix, from now on. */
  readonly watch: (watched: Watched) => Stream.Stream<Operation, FeedError>
}

/**
 * An ordered store: what every engine gives. The methods that `Store` has too are described there.
 *
 * @since 3.1.0
 * @category models
 */
export interface OrderedStoreService extends Capabilities {
  readonly put: (key: Bytes, value: Bytes, options?: PutOptions) => Effect.Effect<void, WriteError>
  readonly delete: (key: Bytes, options?: WriteOptions) => Effect.Effect<void, WriteError>
  readonly deleteRange: (range: Range, options?: WriteOptions) => Effect.Effect<void, WriteError>
  readonly write: (batch: WriteBatch, options?: WriteOptions) => Effect.Effect<void, WriteError>
  readonly update: (
    key: Bytes,
    f: (value: Option.Option<Uint8Array>) => Bytes | null | undefined,
    options?: PutOptions
  ) => Effect.Effect<Option.Option<Uint8Array>, WriteError>
  readonly compareAndSet: (
    key: Bytes,
    expected: Option.Option<Bytes>,
    value: Option.Option<Bytes>,
    options?: PutOptions
  ) => Effect.Effect<boolean, WriteError>
  readonly get: (key: Bytes, options?: ReadOptions) => Effect.Effect<Option.Option<Uint8Array>, ReadError>
  readonly getEntry: (key: Bytes, options?: ReadOptions) => Effect.Effect<Option.Option<VersionedValue>, ReadError>
  readonly getMany: (
    keys: Iterable<Bytes>,
    options?: ReadOptions
  ) => Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError>
  readonly has: (key: Bytes, options?: ReadOptions) => Effect.Effect<boolean, ReadError>
  readonly scan: (options?: ScanOptions) => Stream.Stream<Entry, ReadError>
  readonly collect: (options?: CollectOptions) => Effect.Effect<Array<Entry>, ReadError>
  readonly count: (options?: Range & ReadOptions) => Effect.Effect<number, ReadError>
  readonly snapshot: Effect.Effect<SnapshotView, ReadError, Scope.Scope>
}

/**
 * The Tag of a program's ordered store. `LsmStore.layer` gives it with that of `LsmStore`.
 *
 * @since 3.1.0
 * @category tags
 */
export class OrderedStore extends Context.Tag("effect-lsm/OrderedStore")<OrderedStore, OrderedStoreService>() {}
