/**
 * An open store: its operations, and the models that they take and return.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { ReadError, WriteError } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import type { Stats } from "./Stats.js"
import type { WriteBatch } from "./WriteBatch.js"

/**
 * A key or a value: bytes as they are, strings as their UTF-8 encoding. Keys are ordered by unsigned bytes. A string with a lone
 * surrogate has no UTF-8: it is an `InvalidArgument` wherever it is given.
 *
 * @since 0.1.0
 * @category models
 */
export type Bytes = Uint8Array | string

/**
 * A key and its value. Both are the receiver's own; neighbours share buffers of up to 64 KiB, so whoever keeps a few of many for long
 * copies them. A shared buffer cannot be transferred to another thread: Node 20 sends a copy of it instead, and later releases throw
 * `DataCloneError`. A copy (`value.slice()`) can be transferred.
 *
 * @since 0.1.0
 * @category models
 */
export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/**
 * The keys in [start, end), or those that begin with `prefix`, or both at once. Without bounds: all.
 *
 * @since 0.1.0
 * @category models
 */
export interface Range {
  readonly start?: Bytes | undefined
  readonly end?: Bytes | undefined
  readonly prefix?: Bytes | undefined
}

/**
 * A point in the order of writes that reads can be asked to look from. It lives as long as the scope it was made in, and keeps the
 * versions it sees from being compacted away.
 *
 * @since 0.1.0
 * @category models
 */
export interface Snapshot {
  readonly sequence: number
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ReadOptions {
  /** Where to look from. Default: now. */
  readonly snapshot?: Snapshot | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CollectOptions extends Range, ReadOptions {
  /** From the last key to the first. Default false. */
  readonly reverse?: boolean | undefined
  /** Entries at most. Default: all. */
  readonly limit?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface ScanOptions extends CollectOptions {
  /** Entries in a chunk of the Stream, at most; a chunk is also closed at 1 MiB. Default 1,024. */
  readonly chunkSize?: number | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface WriteOptions {
  /** When this write is acknowledged. Default: as the store's `durability`. */
  readonly durability?: Durability | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CursorOptions extends Range, ReadOptions {
  /** Whether only keys are wanted: the values of entries are empty then, and none is copied. Default false. */
  readonly keysOnly?: boolean | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface TakeOptions {
  /** From larger keys to smaller ones. Default false. */
  readonly reverse?: boolean | undefined
}

/**
 * A position among the entries of a range, for code that steers. It sees the moment it was made at. Moving returns whether it
 * now stands on an entry.
 *
 * A move gives the event loop a turn after some thousand deleted or superseded entries that it has to pass over; one that is interrupted meanwhile leaves the cursor
 * where it was. After one that failed the cursor stands nowhere, and `next`, `prev` and `take` fail with the same error, until it is sought
 * anew. It is for one fiber at a time, and closed with its scope: using it later is an `InvalidArgument`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Cursor {
  /** The entry that the cursor stands on. */
  readonly current: Effect.Effect<Option.Option<Entry>, ReadError>
  readonly first: Effect.Effect<boolean, ReadError>
  readonly last: Effect.Effect<boolean, ReadError>
  /** To the first entry at or above `key`. */
  readonly seek: (key: Bytes) => Effect.Effect<boolean, ReadError>
  /** To the last entry below `key`. */
  readonly seekBefore: (key: Bytes) => Effect.Effect<boolean, ReadError>
  /** To the following entry; on a cursor that was never moved, to the first. */
  readonly next: Effect.Effect<boolean, ReadError>
  /** To the preceding entry; on a cursor that was never moved, to the last. */
  readonly prev: Effect.Effect<boolean, ReadError>
  /**
   * The entry that the cursor stands on and those that follow it, `count` together, fewer only if the range ends; the cursor is left on the
   * entry behind the last of them, or nowhere. With `reverse` the entries before it follow, and the cursor is left on the one before the last
   * taken. On a cursor that was never moved it begins at the first entry, or with `reverse` at the last.
   *
   * Entries are read 1,024 at a time, or 1 MiB: if more are wanted the event loop has a turn in between. A `take` that fails, or is
   * interrupted, returns none of them.
   */
  readonly take: (count: number, options?: TakeOptions) => Effect.Effect<ReadonlyArray<Entry>, ReadError>
}

/**
 * A `Cursor` without Effect, for hot loops and for adapters to synchronous interfaces. Its moves are the same, and throw what those fail with.
 * They never wait: one that has to pass over a million deleted entries holds the event loop for that long.
 *
 * It keeps files and memtables from going away until it is closed, by `close` or with the store. One that is forgotten keeps them for as long as
 * the store is open. When it is closed, using it is an `InvalidArgument`; when the store is, `StoreClosed`.
 *
 * @since 0.1.0
 * @category models
 */
export interface UnsafeCursor {
  /** Whether it stands on an entry. */
  readonly valid: boolean
  /** A copy of the key that it stands on, or undefined. */
  key(): Uint8Array | undefined
  /** A copy of the value that it stands on, or undefined. */
  value(): Uint8Array | undefined
  first(): boolean
  last(): boolean
  seek(key: Bytes): boolean
  seekBefore(key: Bytes): boolean
  next(): boolean
  prev(): boolean
  /** All in one stretch, however many. */
  take(count: number, options?: TakeOptions): Array<Entry>
  /** Lets go of what it reads; a second call does nothing. */
  close(): void
}

/**
 * A `Snapshot` that lives until it is closed, or the store is. One that is forgotten keeps the versions it sees until then.
 *
 * @since 0.1.0
 * @category models
 */
export interface UnsafeSnapshot extends Snapshot {
  /** A second call does nothing. */
  readonly close: () => void
}

/**
 * An open store.
 *
 * Most reads end at once, but none of the Effects promises to: `get`, `has`, `getMany`, `collect` and the steps of cursors now and then give the event
 * loop a turn, so that `Effect.runSync` on them may throw `AsyncFiberException`. What is called `unsafe…` never waits.
 *
 * In a generator, most writes, reads and cursor steps run as soon as `yield*` takes the iterator of their Effect. If they succeed at
 * once, the fiber's run loop never sees them. This makes them faster, and has four consequences:
 *
 * - Supervisors are not notified of such an operation.
 * - A defect is thrown at the `yield*`, so a `try` in the generator can catch it. If nothing catches it, the Effect of the generator
 *   dies with it. Typed errors are failures of the Effect as usual.
 * - The fiber yields after 1,024 such operations of a store, because the run loop does not count them. Each store counts its own.
 * - Other code that iterates over such an Effect, such as a spread or a `for` loop, runs the operation. Use `yield*` in an Effect
 *   generator, or pass the Effect to Effect's functions.
 *
 * @since 0.1.0
 * @category models
 */
export interface Store {
  /** Sets a key's value, and is done when its durability is met. */
  readonly put: (key: Bytes, value: Bytes, options?: WriteOptions) => Effect.Effect<void, WriteError>
  /** Removes a key; no error if it is not there. */
  readonly delete: (key: Bytes, options?: WriteOptions) => Effect.Effect<void, WriteError>
  /** Writes a batch: all of it or nothing, whatever happens. An empty batch does nothing. */
  readonly write: (batch: WriteBatch, options?: WriteOptions) => Effect.Effect<void, WriteError>
  /**
   * A key's value. One of more than 4 KiB owns its buffer, which may be transferred to another thread; smaller ones share theirs, as an
   * `Entry` does.
   */
  readonly get: (key: Bytes, options?: ReadOptions) => Effect.Effect<Option.Option<Uint8Array>, ReadError>
  /** A key's value, read as UTF-8. */
  readonly getString: (key: Bytes, options?: ReadOptions) => Effect.Effect<Option.Option<string>, ReadError>
  /** Values of many keys as of one moment, in the order of the keys. One string is refused, though it iterates over its characters. */
  readonly getMany: (
    keys: Iterable<Bytes>,
    options?: ReadOptions
  ) => Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError>
  /** Whether a key is there. */
  readonly has: (key: Bytes, options?: ReadOptions) => Effect.Effect<boolean, ReadError>
  /** The entries of a range in key order, all as of the moment that the Stream begins. */
  readonly scan: (options?: ScanOptions) => Stream.Stream<Entry, ReadError>
  /**
   * What `scan` gives, as an array: the short way to read a short range, which spares a Stream's own cost. A long one is a Stream
   * that is collected, and takes memory for all of it.
   */
  readonly collect: (options?: CollectOptions) => Effect.Effect<Array<Entry>, ReadError>
  /** The same as `scan`. */
  readonly entries: (options?: ScanOptions) => Stream.Stream<Entry, ReadError>
  readonly keys: (options?: ScanOptions) => Stream.Stream<Uint8Array, ReadError>
  readonly values: (options?: ScanOptions) => Stream.Stream<Uint8Array, ReadError>
  /** A cursor, until the scope ends. */
  readonly cursor: (options?: CursorOptions) => Effect.Effect<Cursor, ReadError, Scope.Scope>
  /** A snapshot of now, until the scope ends. */
  readonly snapshot: Effect.Effect<Snapshot, ReadError, Scope.Scope>
  /** How many keys a range has, exactly: walks over them. */
  readonly count: (options?: Range & ReadOptions) => Effect.Effect<number, ReadError>
  /** About how many keys a range has, from the properties of tables; overwritten and deleted ones may count. Reads no data block. */
  readonly approximateCount: (range?: Range) => Effect.Effect<number, ReadError>
  /** About how many bytes of table files a range takes. What is in memtables does not count. Reads no data block. */
  readonly approximateSize: (range?: Range) => Effect.Effect<number, ReadError>
  /** Makes every acknowledged write durable. */
  readonly sync: Effect.Effect<void, WriteError>
  /** Moves every acknowledged write to tables. */
  readonly flush: Effect.Effect<void, WriteError>
  /** Flushes, and compacts the tables of a range down to the deepest level, without tombstones and versions that no snapshot needs. */
  readonly compact: (range?: Range) => Effect.Effect<void, WriteError>
  /** Lets background work that has failed try again now. */
  readonly resume: Effect.Effect<void>
  readonly stats: Effect.Effect<Stats, ReadError>
  /** The metrics of this store in Prometheus' text format; empty when it has closed. */
  readonly prometheus: Effect.Effect<string>
  /**
   * `get` without an Effect round it, for hot loops. Throws what `get` fails with. It never waits.
   */
  readonly unsafeGet: (key: Bytes, options?: ReadOptions) => Uint8Array | undefined
  /** `cursor` without an Effect round it, to be closed by hand. Throws what `cursor` fails with. It never waits. */
  readonly unsafeCursor: (options?: CursorOptions) => UnsafeCursor
  /** A snapshot of now, to be closed by hand. Throws `StoreClosed`. It never waits. */
  readonly unsafeSnapshot: () => UnsafeSnapshot
}
