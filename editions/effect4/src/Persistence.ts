/**
 * The `BackingPersistence` of `effect/persistence` on an ordered store, for `Persistence`,
 * `PersistedCache` and persisted request resolvers.
 *
 * @since 4.1.0
 */
import type * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Persisted from "effect/persistence/Persistence"
import { defaultName, nameFault } from "./internal/adapters/instanceName.js"
import { JsonEntries, type JsonReadError, type JsonWriteError } from "./internal/adapters/persistence/jsonEntries.js"
import type { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore } from "./OrderedStore.js"

/**
 * Options of a persistence.
 *
 * @since 4.1.0
 * @category models
 */
export interface Options {
  /**
   * The name, of 1 to 1,024 bytes in UTF-8. Persistences with different names in one store do not see
   * each other, also if they have the same store ids. Default `"default"`.
   */
  readonly name?: string | undefined
  /** When a write is acknowledged. Default: the `durability` of the store. */
  readonly durability?: Durability | undefined
}

/**
 * Makes a `BackingPersistence` of the program's store.
 *
 * A value is stored as JSON. If it has a time to live, it expires by the `Clock` with which the store was
 * opened, and compactions then free its space. `setMany` writes all of its entries or none, `getMany`
 * reads as of one moment, and `clear` removes the entries of one store id without reading them.
 *
 * Every failure is a `PersistenceError`. Its `cause` is the error of the store, the `TypeError` of a value
 * that has no JSON, or an error that says why a stored value cannot be read. A store id with a lone
 * surrogate is a defect, because `make` of the interface has no error for it.
 *
 * @since 4.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Persisted.BackingPersistence["Service"], InvalidArgument, OrderedStore> {
  const store = yield* OrderedStore
  const { durability, name = defaultName } = options
  const fault = nameFault(name)
  if (fault !== undefined) return yield* Effect.fail(fault)
  return { make: (storeId) => Effect.sync(() => backingOf(new JsonEntries(store, name, storeId, durability))) }
})

/**
 * A layer of `make`.
 *
 * @since 4.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Persisted.BackingPersistence, InvalidArgument, OrderedStore> =>
  Layer.effect(Persisted.BackingPersistence, make(options))

/**
 * A layer of the `Persistence` that stands on `layer`.
 *
 * @since 4.1.0
 * @category layers
 */
export const layerResult = (options?: Options): Layer.Layer<Persisted.Persistence, InvalidArgument, OrderedStore> =>
  // The layer of the interface is one constant, which layers with different names would share.
  Layer.provide(Layer.fresh(Persisted.layer), layer(options))

const backingOf = (entries: JsonEntries): Persisted.BackingPersistenceStore => ({
  get: (key) => failing(`get ${key}`, Effect.map(entries.get(key), objectOf)),
  getMany: (keys) =>
    failing(
      "get many keys",
      Effect.map(entries.getMany(keys), (all) => all.map(objectOf) as Arr.NonEmptyArray<object | undefined>)
    ),
  set: (key, value, ttl) => failing(`set ${key}`, entries.set(key, value, millisOf(ttl))),
  setMany: (all) =>
    failing("set many keys", entries.setMany(all.map(([key, value, ttl]) => [key, value, millisOf(ttl)]))),
  remove: (key) => failing(`remove ${key}`, entries.remove(key)),
  clear: failing("clear", entries.clear)
})

const objectOf = (found: Option.Option<unknown>): object | undefined =>
  Option.getOrUndefined(found) as object | undefined

const millisOf = (ttl: Duration.Duration | undefined): number | undefined =>
  ttl === undefined ? undefined : Duration.toMillis(ttl)

const failing = <A>(what: string, call: Effect.Effect<A, JsonReadError | JsonWriteError>) =>
  Effect.mapError(call, (cause) => new Persisted.PersistenceError({ message: `Failed to ${what}`, cause }))
