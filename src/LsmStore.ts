/**
 * The store: an ordered, durable map from bytes to bytes.
 *
 * @since 0.1.0
 */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Compactor from "./Compactor.js"
import type { OpenError, ReadError, WriteError } from "./LsmError.js"
import * as LsmOptions from "./LsmOptions.js"
import * as Manifest from "./Manifest.js"
import * as Memtable from "./Memtable.js"
import * as Metrics from "./Metrics.js"
import type { RepairOptions, RepairReport, VerifyEvent, VerifyOptions } from "./Recovery.js"
import * as SSTableStore from "./SSTableStore.js"
import type { Stats } from "./Stats.js"
import * as Storage from "./Storage.js"
import { openStore } from "./shell/open.js"
import { repairStore } from "./shell/repair.js"
import { verifyStore } from "./shell/verification.js"
import * as TableMerger from "./TableMerger.js"
import * as Wal from "./Wal.js"
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
  readonly durability?: LsmOptions.Durability | undefined
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

/**
 * The Tag of a program's store. A program with several gives each a Tag of its own, whose service is a `Store`.
 *
 * @since 0.1.0
 * @category tags
 */
export class LsmStore extends Context.Tag("effect-lsm/LsmStore")<LsmStore, Store>() {}

/**
 * The services that a store is made of.
 *
 * @since 0.1.0
 * @category models
 */
export type Components =
  | Storage.Storage
  | Metrics.Metrics
  | Manifest.Manifest
  | Wal.Wal
  | Memtable.Memtable
  | SSTableStore.SSTableStore
  | TableMerger.TableMerger
  | Compactor.Compactor

/**
 * Opens a store from components that are provided, in the place of the usual ones.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFromComponents = (
  options: LsmOptions.LsmOptions
): Effect.Effect<Store, OpenError, Components | Scope.Scope> =>
  Effect.flatMap(LsmOptions.settings(options), (settings) => openStore(settings))

/**
 * The layer of `makeFromComponents`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromComponents = (options: LsmOptions.LsmOptions): Layer.Layer<LsmStore, OpenError, Components> =>
  Layer.scoped(LsmStore, makeFromComponents(options))

type Lower = Storage.Storage | Metrics.Metrics
type Middle = Lower | Manifest.Manifest | Wal.Wal | Memtable.Memtable | SSTableStore.SSTableStore

/**
 * Components in the place of the usual ones, each a layer that may use what stands below it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Replacements {
  readonly metrics?: Layer.Layer<Metrics.Metrics, OpenError, Storage.Storage> | undefined
  readonly manifest?: Layer.Layer<Manifest.Manifest, OpenError, Lower> | undefined
  readonly wal?: Layer.Layer<Wal.Wal, OpenError, Lower> | undefined
  readonly memtable?: Layer.Layer<Memtable.Memtable, OpenError, Lower> | undefined
  readonly tables?: Layer.Layer<SSTableStore.SSTableStore, OpenError, Lower> | undefined
  readonly merger?: Layer.Layer<TableMerger.TableMerger, OpenError, Middle> | undefined
  readonly compactor?: Layer.Layer<Compactor.Compactor, OpenError, Middle | TableMerger.TableMerger> | undefined
}

/**
 * Every component but `Storage`. A component that is replaced is replaced for those above it too.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerComponents = (
  options: LsmOptions.LsmOptions,
  {
    metrics = Metrics.layer(options),
    manifest = Manifest.layer(options),
    wal = Wal.layer(options),
    memtable = Memtable.layer(options),
    tables = SSTableStore.layer(options),
    merger = TableMerger.layer,
    compactor = Compactor.layer(options)
  }: Replacements = {}
): Layer.Layer<Exclude<Components, Storage.Storage>, OpenError, Storage.Storage> =>
  compactor.pipe(
    Layer.provideMerge(merger),
    // The manifest is first, for what has the lock is let go last.
    Layer.provideMerge(Layer.provideMerge(Layer.mergeAll(wal, memtable, tables), manifest)),
    Layer.provideMerge(metrics)
  )

/**
 * Opens the store in `options.directory`, and closes it when the scope ends.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: LsmOptions.LsmOptions
): Effect.Effect<Store, OpenError, FileSystem.FileSystem | Scope.Scope> =>
  Effect.flatMap(LsmOptions.settings(options), (settings) =>
    Effect.flatMap(Storage.makeWith(settings), (storage) => makeOn(storage, settings))
  )

/**
 * `layerFromComponents` on `layerComponents` as one Effect: to build ten layers takes seven times as many steps, 15 ms in a process that has just
 * begun. What was opened is closed again when a part fails.
 */
const makeOn = (
  storage: Storage.StorageService,
  options: LsmOptions.LsmOptions
): Effect.Effect<Store, OpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* LsmOptions.settings(options)
    const outer = yield* Effect.scope
    // Of its own until the store is open: who closes the outer one meanwhile must not take the parts from under the opening.
    const scope = yield* Scope.make(ExecutionStrategy.sequential)
    const ofParts = yield* Scope.fork(scope, ExecutionStrategy.sequential)
    const ofStore = yield* Scope.fork(scope, ExecutionStrategy.sequential)
    return yield* Effect.uninterruptibleMask((restore) =>
      restore(
        Effect.flatMap(makeParts(storage, settings, ofParts), (parts) =>
          Effect.provide(openStore(settings), Context.add(parts, Scope.Scope, ofStore))
        )
      ).pipe(
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
        Effect.tap(() => Scope.addFinalizerExit(outer, (exit) => Scope.close(scope, exit)))
      )
    )
  })

const makeParts = (
  storage: Storage.StorageService,
  settings: LsmOptions.Settings,
  scope: Scope.Scope
): Effect.Effect<Context.Context<Components>, OpenError> =>
  Effect.gen(function* () {
    const base = Context.add(Context.make(Storage.Storage, storage), Scope.Scope, scope)
    const lower = Context.add(base, Metrics.Metrics, yield* Metrics.make(settings))
    const middle = yield* Effect.provide(makeMiddle(lower, settings), lower)
    const upper = Context.add(middle, TableMerger.TableMerger, yield* Effect.provide(TableMerger.make, middle))
    return Context.add(upper, Compactor.Compactor, yield* Effect.provide(Compactor.make(settings), upper))
  })

const makeMiddle = <R>(lower: Context.Context<R>, settings: LsmOptions.Settings) =>
  Effect.gen(function* () {
    return lower.pipe(
      Context.add(Manifest.Manifest, yield* Manifest.make(settings)),
      Context.add(Wal.Wal, yield* Wal.make(settings)),
      Context.add(Memtable.Memtable, yield* Memtable.make(settings)),
      Context.add(SSTableStore.SSTableStore, yield* SSTableStore.make(settings))
    )
  })

/**
 * The store in `options.directory`, open for the life of the layer.
 *
 * @example
 * ```ts
 * import { NodeContext, NodeRuntime } from "@effect/platform-node"
 * import { Console, Effect, Stream } from "effect"
 * import { LsmStore } from "effect-lsm"
 *
 * const program = Effect.gen(function*() {
 *   const store = yield* LsmStore.LsmStore
 *   yield* store.put("user:1", "Ada")
 *   yield* store.scan({ prefix: "user:" }).pipe(Stream.runForEach((entry) => Console.log(entry)))
 * })
 *
 * program.pipe(
 *   Effect.provide(LsmStore.layer({ directory: "./data" })),
 *   Effect.provide(NodeContext.layer),
 *   NodeRuntime.runMain
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions.LsmOptions): Layer.Layer<LsmStore, OpenError, FileSystem.FileSystem> =>
  Layer.scoped(LsmStore, make(options))

/**
 * A store on a `Storage` that is provided. Stores that are provided with the same one, such as the constant `Storage.layerMemory`, stand on
 * one file system: each needs a directory of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromStorage = (options: LsmOptions.LsmOptions): Layer.Layer<LsmStore, OpenError, Storage.Storage> =>
  Layer.scoped(
    LsmStore,
    Effect.flatMap(Storage.Storage, (storage) => makeOn(storage, options))
  )

/**
 * `layer` with its options from the application's configuration.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<LsmOptions.LsmOptions>
): Layer.Layer<LsmStore, OpenError | ConfigError.ConfigError, FileSystem.FileSystem> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))

/**
 * Opens a store on a file system in memory of its own: the same engine, nothing on disk, gone when the scope ends. For tests.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMemory = (options?: LsmOptions.Tuning): Effect.Effect<Store, OpenError, Scope.Scope> =>
  Effect.flatMap(Storage.makeMemory, (storage) => makeOn(storage, { ...options, directory: "/memory" }))

/**
 * A store on a file system in memory: the same engine, nothing on disk, gone with the layer. For tests.
 *
 * Each call makes a store apart from all others. As with every layer, the one that a call returned is built once in a program,
 * wherever it is provided: those who share it share the store.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory = (options?: LsmOptions.Tuning): Layer.Layer<LsmStore, OpenError> =>
  Layer.scoped(LsmStore, makeMemory(options))

/**
 * Checks the store in a directory that nobody else has open, and changes no byte of it: every header and checksum, the order of
 * keys within and across blocks, properties and manifest against what the tables hold, filters and indexes against every key, every
 * frame of the log and the sequence numbers of its records. Damage is a `Finding`, not a failure: the rest is checked all the
 * same. The last event, `Verified`, counts.
 *
 * @since 0.1.0
 * @category verification
 */
export const verify = (options: VerifyOptions): Stream.Stream<VerifyEvent, OpenError, FileSystem.FileSystem> =>
  Stream.provideLayer(verifyFromStorage(options), Storage.layer)

/**
 * `verify` on a `Storage` that is provided.
 *
 * @since 0.1.0
 * @category verification
 */
export const verifyFromStorage: (options: VerifyOptions) => Stream.Stream<VerifyEvent, OpenError, Storage.Storage> =
  verifyStore

/**
 * Makes a new store of all that is sound in the tables and the log of another, which nobody may have open and of which no byte is
 * changed. `into` must be empty, or not there yet.
 *
 * Where tables were damaged, an older value of a key may stand in the place of one that was lost, or of a deletion that was:
 * `lost` tells which keys are concerned. Where the manifest is lost, all table files count, obsolete ones included.
 *
 * @since 0.1.0
 * @category verification
 */
export const repair = (
  directory: string,
  options: RepairOptions
): Effect.Effect<RepairReport, OpenError, FileSystem.FileSystem> =>
  Effect.flatMap(LsmOptions.settings({ ...options, directory: options.into }), (settings) =>
    Effect.provide(repairFromStorage(directory, options), Storage.layerWith(settings))
  )

/**
 * `repair` on a `Storage` that is provided.
 *
 * @since 0.1.0
 * @category verification
 */
export const repairFromStorage: (
  directory: string,
  options: RepairOptions
) => Effect.Effect<RepairReport, OpenError, Storage.Storage> = repairStore
