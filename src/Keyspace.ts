/**
 * Typed ranges of one store. A keyspace has keys and values of Schemas; keys of several parts are
 * ordered part by part.
 *
 * @since 3.1.0
 */
import * as Effect from "effect/Effect"
import { encodeUtf8 } from "./core/bytes/bytes.js"
import { KeyFailure } from "./core/keys/keyFailure.js"
import type { AnySchema } from "./internal/effect/schemaNodes.js"
import { bytesCodec, type Codec, jsonCodec } from "./internal/keyspace/codecs.js"
import { directoryOf } from "./internal/keyspace/directory.js"
import type { Index } from "./internal/keyspace/indexModels.js"
import { Migration, stepOf } from "./internal/keyspace/migration.js"
import type { OpenKeyspace } from "./internal/keyspace/models.js"
import { openIndexes } from "./internal/keyspace/openIndexes.js"
import { makeIndexCodec, makeRowCodec, type RowCodec } from "./internal/keyspace/rowCodec.js"
import { StoredRows } from "./internal/keyspace/rows.js"
import { openVersion } from "./internal/keyspace/rowVersions.js"
import type { DecodeFailed } from "./KeyspaceError.js"
import { InvalidArgument } from "./LsmError.js"
import {
  OrderedStore,
  type OrderedStoreService,
  type ReadError,
  type WriteError,
  type WriteOptions
} from "./OrderedStore.js"

export { Uuid } from "./core/keys/uuid.js"
export type { Codec } from "./internal/keyspace/codecs.js"
export type { Index, IndexedRows, IndexFinding, IndexProgress } from "./internal/keyspace/indexModels.js"
export type { MigrationProgress } from "./internal/keyspace/migrateRows.js"
export type { Migration } from "./internal/keyspace/migration.js"
export type {
  CollectRowsOptions,
  OpenKeyspace,
  Page,
  PageOptions,
  Prefix,
  Row,
  RowChange,
  RowChangesOptions,
  RowOperation,
  RowRange,
  Rows,
  ScanRowsOptions
} from "./internal/keyspace/models.js"

/**
 * The description of a keyspace: its name, and what its keys and values are. It belongs to no store.
 *
 * @since 3.1.0
 * @category models
 */
export interface Keyspace<K, V> {
  readonly name: string
  /** Private. */
  readonly rows: RowCodec<K, V> | InvalidArgument
  /** Private. */
  readonly indexes: ReadonlyArray<Index<K, V, unknown>>
}

/**
 * What `make` takes.
 *
 * @since 3.1.0
 * @category models
 */
export interface Options<K, KI, V, VI> {
  /** The name, of 1 to 1,024 bytes in UTF-8. A store has one keyspace of a name. */
  readonly name: string
  /**
   * The Schema of keys. Its encoded side is null, a boolean, a number, a bigint, a string, a
   * `Uint8Array`, a `Date`, a `Uuid`, or a tuple or struct of these. A struct is the tuple of its
   * fields, in the order in which they are declared.
   */
  readonly key: AnySchema<K, KI>
  /** The Schema of values. */
  readonly value: AnySchema<V, VI>
  /** How the encoded side of a value becomes bytes. Default: `json`. */
  readonly codec?: Codec | undefined
  /** The secondary indexes, which `index` describes. Default: none. */
  readonly indexes?: ReadonlyArray<Index<NoInfer<K>, NoInfer<V>, unknown>> | undefined
  /**
   * What earlier versions of the values were, and how they become this one: see `migration`. Default:
   * there were none.
   */
  readonly migrations?: Pick<Migration<NoInfer<V>>, "steps" | "value"> | undefined
}

/**
 * What `index` takes.
 *
 * @since 3.1.0
 * @category models
 */
export interface IndexOptions<K, V, I, II> {
  /** The name of the index. A keyspace has one index of a name. */
  readonly name: string
  /** The Schema of the keys of the index, as that of a keyspace. A tuple has a fixed number of elements. */
  readonly on: AnySchema<I, II>
  /** The key of a row in the index. Undefined leaves the row out. */
  readonly of: (value: V, key: K) => I | undefined
  /** Whether no two rows may have one key in the index. Default false. */
  readonly unique?: boolean | undefined
  /**
   * A whole number. Change it when `on` or `of` mean another thing than before: the index is then
   * built anew. Default 1.
   */
  readonly version?: number | undefined
}

/**
 * Describes a secondary index, for the `indexes` of a keyspace. Give the types of the value and the key
 * that `of` takes.
 *
 * The entries of an index are written with the row, in one transaction. So a write of an indexed row
 * reads the row before it, and costs some four times as much as one without indexes.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Keyspace, LsmStore } from "effect-lsm"
 *
 * const User = Schema.Struct({ name: Schema.String, email: Schema.String })
 *
 * const byEmail = Keyspace.index({
 *   name: "email",
 *   on: Schema.String,
 *   of: (user: typeof User.Type) => user.email,
 *   unique: true
 * })
 *
 * const Users = Keyspace.make({ name: "users", key: Schema.Number, value: User, indexes: [byEmail] })
 *
 * const program = Effect.gen(function*() {
 *   const users = yield* Keyspace.open(Users)
 *   yield* users.put(1, { name: "Ada", email: "ada@example.org" })
 *   return yield* Effect.flatMap(users.by(byEmail), (rows) => rows.get("ada@example.org"))
 * })
 *
 * program.pipe(Effect.provide(LsmStore.layerMemory()), Effect.runPromise)
 * ```
 *
 * @since 3.1.0
 * @category constructors
 */
export const index = <K, V, I, II>(options: IndexOptions<K, V, I, II>): Index<K, V, I> => {
  const { name, of, on, unique = false, version = 1 } = options
  return { name, of, isUnique: unique, version, codec: indexCodec(name, on, version) }
}

const indexCodec = <I, II>(
  name: string,
  on: AnySchema<I, II>,
  version: number
): RowCodec<unknown, unknown> | InvalidArgument => {
  const fault = nameFault(name)
  if (fault !== undefined) return new InvalidArgument({ argument: "name", reason: fault })
  if (!Number.isSafeInteger(version) || version < 0) {
    return new InvalidArgument({ argument: "version", reason: "must be a whole number, not negative" })
  }
  try {
    return makeIndexCodec(name, on) as RowCodec<unknown, unknown>
  } catch (failure) {
    if (!(failure instanceof KeyFailure)) throw failure
    return new InvalidArgument({ argument: "on", reason: failure.reason })
  }
}

/**
 * Describes a keyspace. Schemas must be synchronous and need no services.
 *
 * A key may not have a record, an optional field, or a union with a struct: these have no order of
 * fields. Opening such a keyspace fails with `InvalidArgument`.
 *
 * @example
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Keyspace, LsmStore } from "effect-lsm"
 *
 * const Scores = Keyspace.make({
 *   name: "scores",
 *   key: Schema.Struct({ game: Schema.String, points: Schema.Number }),
 *   value: Schema.Struct({ player: Schema.String })
 * })
 *
 * const program = Effect.gen(function*() {
 *   const scores = yield* Keyspace.open(Scores)
 *   yield* scores.put({ game: "go", points: 9 }, { player: "Ada" })
 *   return yield* scores.collect({ prefix: { game: "go" }, reverse: true, limit: 10 })
 * })
 *
 * program.pipe(Effect.provide(LsmStore.layerMemory()), Effect.runPromise)
 * ```
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = <K, KI, V, VI>(options: Options<K, KI, V, VI>): Keyspace<K, V> => ({
  name: options.name,
  rows: rowsOf(options),
  indexes: options.indexes ?? []
})

/**
 * Says what the first version of a keyspace's values was, and how a value of it becomes one of the next:
 * another Schema, added by `next`, or the one that the keyspace has now. Rows are migrated when they
 * are read, and written in the new form by `put` and by `migrate`.
 *
 * Versions are only ever added at the end. A program that knows fewer versions than another one that
 * opened the keyspace before is refused with `InvalidArgument`. If what an index has of a row changes,
 * give the index another `version` too.
 *
 * @example
 * ```ts
 * import { Schema } from "effect"
 * import { Keyspace } from "effect-lsm"
 *
 * const First = Schema.Struct({ name: Schema.String })
 * const Second = Schema.Struct({ first: Schema.String, last: Schema.String })
 * const User = Schema.Struct({ first: Schema.String, last: Schema.String, visits: Schema.Number })
 *
 * const Users = Keyspace.make({
 *   name: "users",
 *   key: Schema.Number,
 *   value: User,
 *   migrations: Keyspace.migration(First, ({ name }) => {
 *     const [first = "", last = ""] = name.split(" ")
 *     return { first, last }
 *   }).next(Second, (user) => ({ ...user, visits: 0 }))
 * })
 * console.log(Users.name)
 * ```
 *
 * @since 3.1.0
 * @category constructors
 */
export const migration = <A, I, B>(schema: AnySchema<A, I>, up: (value: A) => B): Migration<B> =>
  new Migration([stepOf(schema, up)])

const longestName = 1024

const nameFault = (name: unknown): string | undefined => {
  const bytes = typeof name === "string" ? encodeUtf8(name) : undefined
  if (bytes === undefined || bytes.length === 0 || bytes.length > longestName) {
    return `must be a string of 1 to ${longestName} bytes in UTF-8`
  }
  return undefined
}

const rowsOf = <K, KI, V, VI>({ codec = json, indexes = [], key, migrations, name, value }: Options<K, KI, V, VI>) => {
  const fault = nameFault(name)
  if (fault !== undefined) return new InvalidArgument({ argument: "name", reason: fault })
  const names = indexes.map((one) => one.name)
  if (new Set(names).size < names.length) {
    return new InvalidArgument({ argument: "indexes", reason: "have two of one name" })
  }
  if (migrations !== undefined && codec.leavesZero !== true) {
    const reason = `"${codec.name}" has values that begin with a zero byte, so a keyspace with it has no migrations`
    return new InvalidArgument({ argument: "codec", reason })
  }
  try {
    return makeRowCodec(name, key, value, codec, migrations?.steps)
  } catch (failure) {
    if (!(failure instanceof KeyFailure)) throw failure
    return new InvalidArgument({ argument: "key", reason: failure.reason })
  }
}

/**
 * Opens a keyspace of the program's store. The first time, it is given an id in the directory of the
 * store, which is a buffered write: rows that are written later are never there without it.
 *
 * A keyspace may be opened any number of times, also with other Schemas.
 *
 * @since 3.1.0
 * @category constructors
 */
export const open = <K, V>(
  keyspace: Keyspace<K, V>
): Effect.Effect<OpenKeyspace<K, V>, WriteError | DecodeFailed, OrderedStore> =>
  Effect.flatMap(OrderedStore, (store) => openIn(store, keyspace))

/**
 * `open` in a store that is given, for programs with several stores.
 *
 * @since 3.1.0
 * @category constructors
 */
export const openIn = <K, V>(
  store: OrderedStoreService,
  { indexes, name, rows }: Keyspace<K, V>
): Effect.Effect<OpenKeyspace<K, V>, WriteError | DecodeFailed> =>
  Effect.suspend(() => {
    if (rows instanceof InvalidArgument) return Effect.fail(rows)
    const directory = directoryOf(store)
    return Effect.flatMap(directory.open(name), (slot) =>
      Effect.zipRight(
        openVersion(store, name, slot, rows.version),
        Effect.map(
          openIndexes(store, directory, name, slot, indexes),
          (open) => new StoredRows(name, store, undefined, slot, rows, open)
        )
      )
    )
  })

/**
 * Drops an index of a keyspace by its name. Returns whether there was one. Those who have the keyspace
 * open must open it again, without the index.
 *
 * @since 3.1.0
 * @category maintenance
 */
export const dropIndex = (
  keyspace: string,
  name: string,
  options?: WriteOptions
): Effect.Effect<boolean, WriteError | DecodeFailed, OrderedStore> =>
  Effect.flatMap(OrderedStore, (store) => dropIndexIn(store, keyspace, name, options))

/**
 * `dropIndex` in a store that is given.
 *
 * @since 3.1.0
 * @category maintenance
 */
export const dropIndexIn = (
  store: OrderedStoreService,
  keyspace: string,
  name: string,
  options?: WriteOptions
): Effect.Effect<boolean, WriteError | DecodeFailed> =>
  Effect.suspend(() => directoryOf(store).dropIndex(keyspace, name, options))

/**
 * Drops a keyspace by its name, with its indexes, in a time that does not depend on its size. Returns
 * whether there was one. Its rows are deleted as a range; see `Store.deleteRange`.
 *
 * Operations of those who have it open fail with `KeyspaceDropped` from then on. A keyspace that is
 * opened under the name again is a new one, and empty.
 *
 * @since 3.1.0
 * @category maintenance
 */
export const drop = (
  name: string,
  options?: WriteOptions
): Effect.Effect<boolean, WriteError | DecodeFailed, OrderedStore> =>
  Effect.flatMap(OrderedStore, (store) => dropIn(store, name, options))

/**
 * `drop` in a store that is given.
 *
 * @since 3.1.0
 * @category maintenance
 */
export const dropIn = (
  store: OrderedStoreService,
  name: string,
  options?: WriteOptions
): Effect.Effect<boolean, WriteError | DecodeFailed> => Effect.suspend(() => directoryOf(store).drop(name, options))

/**
 * The names of the keyspaces of the program's store, in order.
 *
 * @since 3.1.0
 * @category maintenance
 */
export const names: Effect.Effect<Array<string>, ReadError | DecodeFailed, OrderedStore> = Effect.flatMap(
  OrderedStore,
  (store) => namesIn(store)
)

/**
 * `names` of a store that is given.
 *
 * @since 3.1.0
 * @category maintenance
 */
export const namesIn = (store: OrderedStoreService): Effect.Effect<Array<string>, ReadError | DecodeFailed> =>
  Effect.suspend(() => directoryOf(store).names)

/**
 * Values as JSON in UTF-8. What JSON would change without notice, such as a `Date`, a bigint or NaN,
 * is refused with `EncodeFailed`: give it a Schema with an encoded side that JSON has.
 *
 * @since 3.1.0
 * @category codecs
 */
export const json: Codec = jsonCodec

/**
 * Values as they are. The encoded side of their Schema is a `Uint8Array`.
 *
 * @since 3.1.0
 * @category codecs
 */
export const bytes: Codec = bytesCodec
