/**
 * An open store: its operations, and the types that they take and return.
 *
 * @since 3.0.0
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ReadError, WriteError } from "./LsmError.js"
import type {
  Bytes,
  Capabilities,
  CollectOptions,
  Entry,
  PutOptions,
  Range,
  ReadOptions,
  ScanOptions,
  Snapshot,
  VersionedValue,
  WriteOptions
} from "./OrderedStore.js"
import type { Stats } from "./Stats.js"
import type { StoreEvent } from "./StoreEvent.js"
import type { WriteBatch } from "./WriteBatch.js"

export type {
  /**
   * When a value expires.
   *
   * @since 3.1.0
   * @category models
   */
  Expiry
} from "./internal/expiry/expiry.js"
export type {
  /**
   * A key or a value.
   *
   * @since 3.0.0
   * @category models
   */
  Bytes,
  /**
   * Options of `collect`.
   *
   * @since 3.0.0
   * @category models
   */
  CollectOptions,
  /**
   * A key and its value.
   *
   * @since 3.0.0
   * @category models
   */
  Entry,
  /**
   * Options of a write of one value.
   *
   * @since 3.1.0
   * @category models
   */
  PutOptions,
  /**
   * A range of keys.
   *
   * @since 3.0.0
   * @category models
   */
  Range,
  /**
   * Options of a read.
   *
   * @since 3.0.0
   * @category models
   */
  ReadOptions,
  /**
   * Options of `scan`, `keys` and `values`.
   *
   * @since 3.0.0
   * @category models
   */
  ScanOptions,
  /**
   * A point in the order of writes.
   *
   * @since 3.0.0
   * @category models
   */
  Snapshot,
  /**
   * A value and its version.
   *
   * @since 3.1.0
   * @category models
   */
  VersionedValue,
  /**
   * Options of a write.
   *
   * @since 3.0.0
   * @category models
   */
  WriteOptions
} from "./OrderedStore.js"

/**
 * A snapshot with the reading methods of `Store`, which see the store as of the snapshot.
 *
 * @since 3.1.0
 * @category models
 */
export interface ReadView extends Snapshot {
  readonly get: (key: Bytes) => Effect.Effect<Option.Option<Uint8Array>, ReadError>
  readonly getString: (key: Bytes) => Effect.Effect<Option.Option<string>, ReadError>
  readonly getWith: <A>(key: Bytes, use: (value: Uint8Array) => A) => Effect.Effect<Option.Option<A>, ReadError>
  readonly getEntry: (key: Bytes) => Effect.Effect<Option.Option<VersionedValue>, ReadError>
  readonly getMany: (keys: Iterable<Bytes>) => Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError>
  readonly has: (key: Bytes) => Effect.Effect<boolean, ReadError>
  readonly scan: (options?: Omit<ScanOptions, "snapshot">) => Stream.Stream<Entry, ReadError>
  readonly entries: (options?: Omit<ScanOptions, "snapshot">) => Stream.Stream<Entry, ReadError>
  readonly keys: (options?: Omit<ScanOptions, "snapshot">) => Stream.Stream<Uint8Array, ReadError>
  readonly values: (options?: Omit<ScanOptions, "snapshot">) => Stream.Stream<Uint8Array, ReadError>
  readonly collect: (options?: Omit<CollectOptions, "snapshot">) => Effect.Effect<Array<Entry>, ReadError>
  readonly count: (range?: Range) => Effect.Effect<number, ReadError>
  readonly cursor: (options?: Omit<CursorOptions, "snapshot">) => Effect.Effect<Cursor, ReadError, Scope.Scope>
}

/**
 * Options of a cursor.
 *
 * @since 3.0.0
 * @category models
 */
export interface CursorOptions extends Range, ReadOptions {
  /** Return entries with empty values. Values are then not copied. Default false. */
  readonly keysOnly?: boolean | undefined
}

/**
 * Options of `take`.
 *
 * @since 3.0.0
 * @category models
 */
export interface TakeOptions {
  /** Take entries from larger keys to smaller ones. Default false. */
  readonly reverse?: boolean | undefined
}

/**
 * A movable position in a range. A cursor sees the store as of the moment it was opened. Each move
 * returns whether the cursor now stands on an entry.
 *
 * - A move that skips some thousand deleted or overwritten entries yields to the event loop. If it
 *   is interrupted, the cursor stays where it was.
 * - After a failed move the cursor stands on no entry. `next`, `prev` and `take` then fail with the
 *   same error until `first`, `last`, `seek` or `seekBefore` places the cursor again.
 * - Only one fiber at a time may use a cursor.
 * - A cursor is closed with its scope. Using it later fails with `InvalidArgument`.
 *
 * @since 3.0.0
 * @category models
 */
export interface Cursor {
  /** The entry at the cursor, or none. */
  readonly current: Effect.Effect<Option.Option<Entry>, ReadError>
  /** Moves to the first entry of the range. */
  readonly first: Effect.Effect<boolean, ReadError>
  /** Moves to the last entry of the range. */
  readonly last: Effect.Effect<boolean, ReadError>
  /** Moves to the first entry at or after `key`. */
  readonly seek: (key: Bytes) => Effect.Effect<boolean, ReadError>
  /** Moves to the last entry before `key`. */
  readonly seekBefore: (key: Bytes) => Effect.Effect<boolean, ReadError>
  /** Moves to the next entry. A cursor that was never moved moves to the first. */
  readonly next: Effect.Effect<boolean, ReadError>
  /** Moves to the previous entry. A cursor that was never moved moves to the last. */
  readonly prev: Effect.Effect<boolean, ReadError>
  /**
   * Returns `count` entries, starting with the one at the cursor. It returns fewer only if the
   * range ends. The cursor then stands on the entry after the last one taken, or on none.
   *
   * With `reverse`, it takes entries towards smaller keys, and the cursor then stands on the entry
   * before the last one taken. A cursor that was never moved starts at the first entry, or with
   * `reverse` at the last.
   *
   * Yields to the event loop after every 1,024 entries or 1 MiB. A `take` that fails or is
   * interrupted returns no entries.
   */
  readonly take: (count: number, options?: TakeOptions) => Effect.Effect<ReadonlyArray<Entry>, ReadError>
}

/**
 * A `Cursor` without Effect, for hot loops and for adapters to synchronous interfaces. It has the
 * same moves, and they throw the errors that those of a `Cursor` fail with. A move never yields:
 * one that skips a million deleted entries blocks the event loop until it is done.
 *
 * Until it is closed, an open cursor keeps the files and memtables that it reads. Call `close`;
 * otherwise it is closed with the store. Using a closed cursor throws `InvalidArgument`, or
 * `StoreClosed` if the store is closed.
 *
 * @since 3.0.0
 * @category models
 */
export interface UnsafeCursor {
  /** Whether the cursor stands on an entry. */
  readonly valid: boolean
  /** A copy of the key at the cursor, or undefined. */
  key(): Uint8Array | undefined
  /** A copy of the value at the cursor, or undefined. */
  value(): Uint8Array | undefined
  /** Moves to the first entry of the range. */
  first(): boolean
  /** Moves to the last entry of the range. */
  last(): boolean
  /** Moves to the first entry at or after `key`. */
  seek(key: Bytes): boolean
  /** Moves to the last entry before `key`. */
  seekBefore(key: Bytes): boolean
  /** Moves to the next entry. A cursor that was never moved moves to the first. */
  next(): boolean
  /** Moves to the previous entry. A cursor that was never moved moves to the last. */
  prev(): boolean
  /** As `Cursor.take`, but never yields to the event loop. */
  take(count: number, options?: TakeOptions): Array<Entry>
  /**
   * Closes the cursor and releases the files and memtables that it reads. A second call does
   * nothing.
   */
  close(): void
}

/**
 * A `Snapshot` that lives until `close` is called or the store is closed. Until then, compactions
 * keep the versions that it sees.
 *
 * @since 3.0.0
 * @category models
 */
export interface UnsafeSnapshot extends Snapshot {
  /** Releases the snapshot. A second call does nothing. */
  readonly close: () => void
}

/**
 * An open store.
 *
 * Most reads complete synchronously, but none is guaranteed to. `get`, `has`, `getMany`, `collect`
 * and the moves of cursors sometimes yield to the event loop, so `Effect.runSync` on them may throw.
 * The `unsafe…` functions never yield.
 *
 * In a generator, most writes, reads and cursor steps run as soon as `yield*` takes the iterator of
 * their Effect. If they succeed at once, the fiber's run loop never sees them. This makes them
 * faster, and has four consequences:
 *
 * - Nothing that observes the run loop, such as a supervisor of Effect 3, sees such an operation.
 * - A defect is thrown at the `yield*`, so a `try` in the generator can catch it. If nothing
 *   catches it, the Effect of the generator dies with it. Typed errors are failures of the Effect
 *   as usual.
 * - The fiber yields after 1,024 such operations of a store, because the run loop does not count
 *   them. Each store counts its own.
 * - Other code that iterates over such an Effect, such as a spread or a `for` loop, runs the
 *   operation. Use `yield*` in an Effect generator, or pass the Effect to Effect's functions.
 *
 * @since 3.0.0
 * @category models
 */
export interface Store extends Capabilities {
  /**
   * Sets the value of a key. Completes when the write is as durable as `durability` asks. The value
   * expires if `ttl` or `expiresAt` says so; without them it does not, also if the value before did.
   */
  readonly put: (key: Bytes, value: Bytes, options?: PutOptions) => Effect.Effect<void, WriteError>
  /** Deletes a key. Deleting a key that is absent is not an error. */
  readonly delete: (key: Bytes, options?: WriteOptions) => Effect.Effect<void, WriteError>
  /**
   * Deletes all keys in a range, at a cost that does not depend on how many there are. A range without
   * bounds is the whole store. Their space is freed by compactions: at once for tables that lie in the
   * range as a whole, later for others; `compact` frees it now.
   *
   * @since 3.1.0
   */
  readonly deleteRange: (range: Range, options?: WriteOptions) => Effect.Effect<void, WriteError>
  /**
   * Deletes all keys that begin with `prefix`, as `deleteRange` does.
   *
   * @since 3.1.0
   */
  readonly deletePrefix: (prefix: Bytes, options?: WriteOptions) => Effect.Effect<void, WriteError>
  /**
   * Writes a batch atomically: all of it or nothing, even after a crash. An empty batch does
   * nothing. Fails with `Conflict` if a check of the batch does not hold.
   */
  readonly write: (batch: WriteBatch, options?: WriteOptions) => Effect.Effect<void, WriteError>
  /**
   * Replaces the value of a key by what `f` makes of it, and returns the value that the key has
   * then. No other write comes between. `f` returns the new value, null to delete the key, or
   * undefined to leave it as it is. It must not write to the store; if it throws, the Effect dies
   * and nothing is written.
   *
   * Updates by many fibers share syncs like other writes: each sees those that have their place in
   * the log, also before they are durable.
   *
   * @since 3.1.0
   */
  readonly update: (
    key: Bytes,
    f: (value: Option.Option<Uint8Array>) => Bytes | null | undefined,
    options?: PutOptions
  ) => Effect.Effect<Option.Option<Uint8Array>, WriteError>
  /**
   * Sets the value of a key, or deletes it if `value` is none, if its value now is `expected`; none
   * stands for an absent key. Returns whether it did.
   *
   * @since 3.1.0
   */
  readonly compareAndSet: (
    key: Bytes,
    expected: Option.Option<Bytes>,
    value: Option.Option<Bytes>,
    options?: PutOptions
  ) => Effect.Effect<boolean, WriteError>
  /**
   * Sets when the value of a key expires, and returns whether there is one. The value is written
   * again.
   *
   * @since 3.1.0
   */
  readonly expire: (key: Bytes, options: PutOptions) => Effect.Effect<boolean, WriteError>
  /**
   * Removes the time at which the value of a key expires, and returns whether there was one.
   *
   * @since 3.1.0
   */
  readonly persist: (key: Bytes, options?: WriteOptions) => Effect.Effect<boolean, WriteError>
  /**
   * Returns when the value of a key expires, in milliseconds since 1970; none if it does not, or if the
   * key is absent.
   *
   * @since 3.1.0
   */
  readonly expiresAt: (key: Bytes, options?: ReadOptions) => Effect.Effect<Option.Option<number>, ReadError>
  /**
   * Returns the value of a key, or none if the key is absent. A value of more than 4 KiB has its
   * own buffer, which can be transferred to another thread. Smaller values share buffers, as in
   * `Entry`.
   */
  readonly get: (key: Bytes, options?: ReadOptions) => Effect.Effect<Option.Option<Uint8Array>, ReadError>
  /**
   * Returns the value of a key with its version, for `WriteBatch.check`.
   *
   * @since 3.1.0
   */
  readonly getEntry: (key: Bytes, options?: ReadOptions) => Effect.Effect<Option.Option<VersionedValue>, ReadError>
  /** Returns the value of a key, decoded as UTF-8. */
  readonly getString: (key: Bytes, options?: ReadOptions) => Effect.Effect<Option.Option<string>, ReadError>
  /**
   * Passes the value of a key to `use`, and returns its result, or none if the key is absent. The
   * value is in memory that the store uses again: it is good until `use` returns. So a large value
   * that is decoded, hashed or sent at once costs no memory of its own, and takes about two thirds
   * of the time of `get`. The Effect dies if `use` throws.
   *
   * @example
   * ```ts
   * import { Effect, Option } from "effect"
   * import { LsmStore } from "effect-lsm"
   *
   * const program = Effect.gen(function* () {
   *   const store = yield* LsmStore.LsmStore
   *   yield* store.put("picture", new Uint8Array(100_000).fill(7))
   *   const first = yield* store.getWith("picture", (bytes) => bytes[0])
   *   console.log(Option.getOrUndefined(first)) // 7
   * })
   *
   * await Effect.runPromise(Effect.provide(program, LsmStore.layerMemory()))
   * ```
   *
   * @since 3.1.0
   */
  readonly getWith: <A>(
    key: Bytes,
    use: (value: Uint8Array) => A,
    options?: ReadOptions
  ) => Effect.Effect<Option.Option<A>, ReadError>
  /**
   * Returns the values of many keys as of one moment, in the order of `keys`. Fails with
   * `InvalidArgument` if `keys` is a single string.
   */
  readonly getMany: (
    keys: Iterable<Bytes>,
    options?: ReadOptions
  ) => Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError>
  /** Returns whether a key is present. */
  readonly has: (key: Bytes, options?: ReadOptions) => Effect.Effect<boolean, ReadError>
  /** Streams the entries of a range in key order, as of the moment the Stream starts. */
  readonly scan: (options?: ScanOptions) => Stream.Stream<Entry, ReadError>
  /**
   * Returns the entries of a range as an array. For a short range this is faster than `scan`,
   * because it avoids the cost of a Stream. All entries are in memory at once, so use `scan` for
   * long ranges.
   */
  readonly collect: (options?: CollectOptions) => Effect.Effect<Array<Entry>, ReadError>
  /** The same as `scan`. */
  readonly entries: (options?: ScanOptions) => Stream.Stream<Entry, ReadError>
  /** Streams the keys of a range, as `scan` does its entries. */
  readonly keys: (options?: ScanOptions) => Stream.Stream<Uint8Array, ReadError>
  /** Streams the values of a range in the order of their keys, as `scan` does its entries. */
  readonly values: (options?: ScanOptions) => Stream.Stream<Uint8Array, ReadError>
  /** Opens a cursor, which is closed when the scope ends. */
  readonly cursor: (options?: CursorOptions) => Effect.Effect<Cursor, ReadError, Scope.Scope>
  /**
   * Takes a snapshot of the current state, which is released when the scope ends. Read by its own
   * methods, or pass it to those of the store.
   */
  readonly snapshot: Effect.Effect<ReadView, ReadError, Scope.Scope>
  /** Returns the exact number of keys in a range. Reads all of them. */
  readonly count: (options?: Range & ReadOptions) => Effect.Effect<number, ReadError>
  /**
   * Estimates the number of keys in a range from the properties of tables. Overwritten and deleted
   * keys may count. Reads no data block.
   */
  readonly approximateCount: (range?: Range) => Effect.Effect<number, ReadError>
  /**
   * Estimates the bytes that a range takes in table files and value files. Memtables do not count.
   * Reads no data block.
   */
  readonly approximateSize: (range?: Range) => Effect.Effect<number, ReadError>
  /** Makes every acknowledged write durable. */
  readonly sync: Effect.Effect<void, WriteError>
  /** Writes the memtables to tables, with every acknowledged write. */
  readonly flush: Effect.Effect<void, WriteError>
  /**
   * Flushes, then compacts the tables of a range down to the deepest level. This removes the
   * tombstones and old versions that no snapshot needs.
   */
  readonly compact: (range?: Range) => Effect.Effect<void, WriteError>
  /** Retries failed background work now. */
  readonly resume: Effect.Effect<void>
  /** Returns the state of the store and what it has done since it was opened. */
  readonly stats: Effect.Effect<Stats, ReadError>
  /**
   * What happens inside the store: flushes, compactions, files, stalls, trouble. First come the
   * events of the opening, then those that happen from the moment at which the Stream begins to run.
   * It ends when the store closes.
   *
   * A slow reader holds nothing back. At most 1,024 events wait for each reader; then the oldest make
   * room, and `EventsDropped` says how many. Events that nobody reads are not made.
   *
   * @since 3.1.0
   */
  readonly events: Stream.Stream<StoreEvent>
  /**
   * Returns the metrics of this store in the text format of Prometheus. Empty if the store is
   * closed.
   */
  readonly prometheus: Effect.Effect<string>
  /**
   * `get` without an Effect, for hot loops. Never yields. Throws the errors that `get` fails with.
   */
  readonly unsafeGet: (key: Bytes, options?: ReadOptions) => Uint8Array | undefined
  /**
   * `cursor` without an Effect. The caller must close it. Never yields. Throws the errors that
   * `cursor` fails with.
   */
  readonly unsafeCursor: (options?: CursorOptions) => UnsafeCursor
  /**
   * `snapshot` without an Effect. The caller must close it. Never yields. Throws `StoreClosed` if
   * the store is closed.
   */
  readonly unsafeSnapshot: () => UnsafeSnapshot
}
