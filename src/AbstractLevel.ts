/**
 * Stores as databases of [abstract-level](https://github.com/Level/abstract-level), for programs of
 * the Level ecosystem. Needs the package `abstract-level`, version 3.1 or later.
 *
 * @since 3.1.0
 */
import type { Buffer } from "node:buffer"
import {
  type AbstractBatchOperation,
  type AbstractBatchOptions,
  type AbstractChainedBatch,
  type AbstractChainedBatchWriteOptions,
  type AbstractClearOptions,
  type AbstractDatabaseOptions,
  type AbstractDelOptions,
  type AbstractIterator,
  type AbstractKeyIterator,
  AbstractLevel,
  type AbstractPutOptions,
  type AbstractSnapshot,
  type AbstractValueIterator,
  type Transcoder
} from "abstract-level"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { adapterPrefix } from "./core/adapters/reservations.js"
import { optionsAmong } from "./core/options/options.js"
import { accessOf } from "./internal/engine/access.js"
import { LevelChainedBatch } from "./internal/level/chainedBatch.js"
import { destroyStore, repairInPlace } from "./internal/level/directories.js"
import { Entries, type Operation } from "./internal/level/entries.js"
import type { Data, Format } from "./internal/level/formats.js"
import { EntryIterator, type EntryOptions, KeyIterator, ValueIterator } from "./internal/level/iterators.js"
import { KeyPrefix } from "./internal/level/keyPrefix.js"
import { notOpen } from "./internal/level/levelError.js"
import { LevelSnapshot } from "./internal/level/levelSnapshot.js"
import { type Existence, openDatabase, openShared } from "./internal/level/openDatabase.js"
import { snapshotOf, type WalkOptions } from "./internal/level/walking.js"
import type { OpenError } from "./LsmError.js"
import type { Durability, Recovery, Tuning } from "./LsmOptions.js"
import * as LsmStore from "./LsmStore.js"
import type { Store } from "./Store.js"

export {
  /**
   * An error of a Level database. `code` is one of abstract-level's, such as `LEVEL_LOCKED`; `cause` is
   * the error of the store, if there is one.
   *
   * @since 3.1.0
   * @category errors
   */
  LevelError
} from "./internal/level/levelError.js"

/**
 * What every database may be given.
 *
 * @since 3.1.0
 * @category models
 */
export interface DatabaseOptions<K, V> extends AbstractDatabaseOptions<K, V> {
  /** When writes are acknowledged that do not ask for `sync`. Default `"buffered"`, as in LevelDB. */
  readonly durability?: Durability | undefined
}

/**
 * Options of a database that opens the store in a directory. Those of `LsmOptions.Tuning` have the same
 * defaults as there, except `durability`.
 *
 * @since 3.1.0
 * @category models
 */
export interface DirectoryOptions<K, V> extends DatabaseOptions<K, V>, Omit<Tuning, "durability"> {
  /** Opens the store without changing its files. Writes fail with `LEVEL_READONLY`. Default false. */
  readonly readOnly?: boolean | undefined
  /** How opening handles damaged files. Default `"strict"`: it fails with `LEVEL_CORRUPTION`. */
  readonly recovery?: Recovery | undefined
}

/**
 * Options of a database in a store that is open already.
 *
 * @since 3.1.0
 * @category models
 */
export interface SharedOptions<K, V> extends DatabaseOptions<K, V> {
  /**
   * The name under which the database keeps its entries apart from all others in the store. They lie in
   * the part of the store that is reserved for keyspaces, each behind about ten bytes and the name.
   * Without one, the database has all keys of the store, those of keyspaces included.
   */
  readonly namespace?: string | undefined
}

/**
 * Options of writes.
 *
 * @since 3.1.0
 * @category models
 */
export interface WriteOptions {
  /** Whether the write must be on disk before it is acknowledged. Default: `durability` of the database. */
  readonly sync?: boolean | undefined
}

/**
 * Options of `approximateSize` and `compactRange`.
 *
 * @since 3.1.0
 * @category models
 */
export interface BoundOptions<K> {
  /** The encoding of both bounds. Default: that of the keys of the database. */
  readonly keyEncoding?: string | Transcoder.PartialEncoder<K> | undefined
}

/** Options of reads, as abstract-level passes them. */
interface Reading {
  readonly valueEncoding: Format
  readonly snapshot?: unknown
}

const manifest = {
  encodings: { buffer: true, utf8: true, view: true },
  has: true,
  createIfMissing: true,
  errorIfExists: true,
  explicitSnapshots: true,
  getSync: true,
  additionalMethods: { approximateSize: true, compactRange: true },
  signals: { iterators: true }
}

/**
 * The same options for the inherited methods.
 *
 * @since 3.1.0
 * @category models
 */
export interface LsmLevel<KDefault = string, VDefault = string> {
  put(key: KDefault, value: VDefault): Promise<void>
  put<K = KDefault, V = VDefault>(key: K, value: V, options: AbstractPutOptions<K, V> & WriteOptions): Promise<void>
  del(key: KDefault): Promise<void>
  del<K = KDefault>(key: K, options: AbstractDelOptions<K> & WriteOptions): Promise<void>
  batch(operations: Array<AbstractBatchOperation<this, KDefault, VDefault>>): Promise<void>
  batch<K = KDefault, V = VDefault>(
    operations: Array<AbstractBatchOperation<this, K, V>>,
    options: AbstractBatchOptions<K, V> & WriteOptions
  ): Promise<void>
  batch(): ChainedBatch<this, KDefault, VDefault>
  clear(): Promise<void>
  clear<K = KDefault>(options: AbstractClearOptions<K> & WriteOptions): Promise<void>
}

/**
 * A chained batch, whose `write` takes `WriteOptions`.
 *
 * @since 3.1.0
 * @category models
 */
export interface ChainedBatch<Database, K, V> extends AbstractChainedBatch<Database, K, V> {
  write(options?: AbstractChainedBatchWriteOptions & WriteOptions): Promise<void>
}

/**
 * A store as a database of abstract-level: promises, encodings, sublevels, hooks, iterators and
 * snapshots, without Effect.
 *
 * Errors are those of abstract-level, and `LevelError` with the codes `LEVEL_LOCKED`,
 * `LEVEL_CORRUPTION`, `LEVEL_IO_ERROR`, `LEVEL_READONLY`, `LEVEL_NOT_SUPPORTED`, `LEVEL_INVALID_KEY`,
 * `LEVEL_INVALID_VALUE` and `LEVEL_INVALID_ARGUMENT`. If opening fails, the error has the code
 * `LEVEL_DATABASE_NOT_OPEN`, and such an error as its cause.
 *
 * @example
 * ```ts
 * import { LsmLevel } from "effect-lsm/AbstractLevel"
 *
 * const db = new LsmLevel<string, { name: string }>("./data", { valueEncoding: "json" })
 * await db.put("user:1", { name: "Ada" })
 * for await (const [key, value] of db.iterator({ gte: "user:" })) console.log(key, value.name)
 * await db.close()
 * ```
 *
 * @since 3.1.0
 * @category models
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: only types of inherited methods are added
export class LsmLevel<KDefault = string, VDefault = string> extends AbstractLevel<
  string | Buffer | Uint8Array,
  KDefault,
  VDefault
> {
  /** The directory of a store that this database opens by itself; undefined if it shares a store. */
  readonly location: string | undefined
  // Names that no base class and no client can meet: abstract-level takes a `prefix` for that of a sublevel.
  readonly #shared: Store | undefined
  readonly #prefix: KeyPrefix
  #opened: { readonly entries: Entries; readonly close: () => Promise<void> } | undefined

  /**
   * A database that opens the store in a directory, and closes it. It begins to open at once; reads and
   * writes wait until it is open.
   */
  constructor(location: string, options?: DirectoryOptions<KDefault, VDefault>)
  /** A database in a store that is open. Closing the database does not close the store. */
  constructor(store: Store, options?: SharedOptions<KDefault, VDefault>)
  constructor(at: string | Store, options?: DatabaseOptions<KDefault, VDefault> & { namespace?: string | undefined }) {
    const location = typeof at === "string" ? at : undefined
    if (location === "" || (typeof at !== "string" && accessOf(at) === undefined)) {
      throw new TypeError("The first argument must be a non-empty string or an open store of effect-lsm")
    }
    const { namespace, ...forward } = { ...options }
    super({ ...manifest, createIfMissing: location !== undefined, errorIfExists: location !== undefined }, forward)
    this.location = location
    this.#shared = typeof at === "string" ? undefined : at
    this.#prefix = new KeyPrefix(prefixOf(location === undefined ? namespace : undefined))
  }

  /** Removes the store in a directory. Files that are not of the store stay. */
  static async destroy(location: string): Promise<void> {
    return destroyStore(checkLocation(location))
  }

  /**
   * Repairs the store in a directory: if anything is damaged, all sound data is merged into new tables,
   * and the files as they were are kept in a directory beside them.
   */
  static async repair(location: string): Promise<void> {
    return repairInPlace(checkLocation(location))
  }

  /** Estimates the bytes that a range takes in files, from `start` (inclusive) to `end` (exclusive). */
  async approximateSize<K = KDefault>(start: K, end: K, options?: BoundOptions<K>): Promise<number> {
    if (this.status === "opening") return this.deferAsync(() => this.approximateSize(start, end, options))
    const { encode } = this.#boundEncoding(options)
    return this.#entries.approximateSize(encode(start), encode(end))
  }

  /** Compacts the tables of a range, from `start` to `end` (both inclusive). */
  async compactRange<K = KDefault>(start: K, end: K, options?: BoundOptions<K>): Promise<void> {
    if (this.status === "opening") return this.deferAsync(() => this.compactRange(start, end, options))
    const { encode } = this.#boundEncoding(options)
    return this.#entries.compact(encode(start), encode(end))
  }

  #boundEncoding<K>(options: BoundOptions<K> | undefined): { readonly encode: (key: K) => Data } {
    const encoding = this.keyEncoding(options?.keyEncoding as Transcoder.MixedEncoding<K, Data, K>)
    return { encode: (key) => encoding.encode(key) as Data }
  }

  get #entries(): Entries {
    if (this.#opened === undefined) throw notOpen()
    return this.#opened.entries
  }

  /** @internal */
  async _open(options: Existence & DirectoryOptions<KDefault, VDefault>): Promise<void> {
    const { durability = "buffered" } = options
    const { store, close } =
      this.#shared === undefined
        ? await openDatabase({ ...optionsAmong(options), durability, directory: this.location! }, options)
        : openShared(this.#shared)
    this.#opened = { entries: new Entries(store, this.#prefix, durability), close }
  }

  /** @internal */
  async _close(): Promise<void> {
    await this.#opened?.close()
    this.#opened = undefined
  }

  /** @internal */
  async _get(key: Data, options: Reading): Promise<Data | undefined> {
    return this.#entries.get(key, options.valueEncoding, snapshotOf(options.snapshot))
  }

  /** @internal */
  _getSync(key: Data, options: Reading): Data | undefined {
    return this.#entries.getNow(key, options.valueEncoding, snapshotOf(options.snapshot))
  }

  /** @internal */
  async _getMany(keys: ReadonlyArray<Data>, options: Reading): Promise<Array<Data | undefined>> {
    return this.#entries.getMany(keys, options.valueEncoding, snapshotOf(options.snapshot))
  }

  /** @internal */
  async _has(key: Data, options: Reading): Promise<boolean> {
    return this.#entries.has(key, snapshotOf(options.snapshot))
  }

  /** @internal */
  async _hasMany(keys: ReadonlyArray<Data>, options: Reading): Promise<Array<boolean>> {
    return this.#entries.hasMany(keys, snapshotOf(options.snapshot))
  }

  /** @internal */
  async _put(key: Data, value: Data, options: WriteOptions): Promise<void> {
    return this.#entries.put(key, value, options)
  }

  /** @internal */
  async _del(key: Data, options: WriteOptions): Promise<void> {
    return this.#entries.delete(key, options)
  }

  /** @internal */
  async _batch(operations: ReadonlyArray<Operation>, options: WriteOptions): Promise<void> {
    return this.#entries.writeAll(operations, options)
  }

  /** @internal */
  async _clear(options: WalkOptions & WriteOptions): Promise<void> {
    return this.#entries.clear(options, snapshotOf(options.snapshot))
  }

  /** @internal */
  _chainedBatch(): AbstractChainedBatch<this, KDefault, VDefault> {
    return new LevelChainedBatch<this, KDefault, VDefault>(this, this.#entries)
  }

  /** @internal */
  _iterator(options: EntryOptions): AbstractIterator<this, KDefault, VDefault> {
    return new EntryIterator(this, this.#entries, options)
  }

  /** @internal */
  _keys(options: WalkOptions): AbstractKeyIterator<this, KDefault> {
    return new KeyIterator(this, this.#entries, options)
  }

  /** @internal */
  _values(options: WalkOptions): AbstractValueIterator<this, KDefault, VDefault> {
    return new ValueIterator(this, this.#entries, options)
  }

  /** @internal */
  _snapshot(options: object): AbstractSnapshot {
    return new LevelSnapshot(this.#entries.snapshot(), options)
  }
}

/** @throws TypeError */
const checkLocation = (location: string): string => {
  if (typeof location === "string" && location !== "") return location
  throw new TypeError("The first argument 'location' must be a non-empty string")
}

/** @throws TypeError */
const prefixOf = (namespace: string | undefined): Uint8Array => {
  if (namespace === undefined) return new Uint8Array(0)
  if (typeof namespace !== "string" || namespace === "" || !namespace.isWellFormed()) {
    throw new TypeError("The option 'namespace' must be a non-empty string without lone surrogates")
  }
  // The null keeps the keys of "a" apart from those of "a\0".
  return adapterPrefix("level", namespace, null)
}

/**
 * Opens the store in a directory and a database over all of it, both until the scope ends.
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = <K = string, V = string>(
  directory: string,
  options?: Omit<DirectoryOptions<K, V>, "errorIfExists">
): Effect.Effect<LsmLevel<K, V>, OpenError, Scope.Scope> =>
  Effect.flatMap(LsmStore.make({ durability: "buffered", ...optionsAmong(options ?? {}), directory }), (store) =>
    makeFromStore(store, { ...options, namespace: undefined })
  )

/**
 * A database in an open store, until the scope ends. Several with different namespaces may share a store.
 *
 * @since 3.1.0
 * @category constructors
 */
export const makeFromStore = <K = string, V = string>(
  store: Store,
  options?: SharedOptions<K, V>
): Effect.Effect<LsmLevel<K, V>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const database = new LsmLevel<K, V>(store, options)
      await database.open()
      return database
    }),
    (database) => Effect.promise(() => database.close())
  )
