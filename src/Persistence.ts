/**
 * The `BackingPersistence` of `@effect/experimental` on an ordered store, for `ResultPersistence`,
 * `PersistedCache` and persisted request resolvers.
 *
 * @since 3.1.0
 */
import * as Experimental from "@effect/experimental/Persistence"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { defaultName, nameFault } from "./internal/adapters/instanceName.js"
import { JsonEntries, type JsonReadError, type JsonWriteError } from "./internal/adapters/persistence/jsonEntries.js"
import type { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore } from "./OrderedStore.js"

/**
 * Options of a persistence.
 *
 * @since 3.1.0
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
 * Values are stored as JSON. A value with a time to live expires when the `Clock` with which the store
 * was opened has come to its end; compactions then free its space. `setMany` writes all of its entries
 * or none. `getMany` returns its values as of one moment. `clear` removes the entries of one store id,
 * in a time that does not depend on their number.
 *
 * Every failure is a `PersistenceBackingError`, whose `cause` is the error of the store, the `TypeError`
 * of a value that has no JSON, or an error that says why a stored value cannot be read. A store id with a
 * lone surrogate is a defect, because `make` of the interface has no error for it.
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<Experimental.BackingPersistence, InvalidArgument, OrderedStore> =>
  Effect.flatMap(OrderedStore, (store) => {
    const { durability, name = defaultName } = options
    const fault = nameFault(name)
    if (fault !== undefined) return Effect.fail(fault)
    return Effect.succeed(
      Experimental.BackingPersistence.of({
        [Experimental.BackingPersistenceTypeId]: Experimental.BackingPersistenceTypeId,
        make: (storeId) => Effect.sync(() => fromEntries(new JsonEntries(store, name, storeId, durability)))
      })
    )
  })

/**
 * A layer of `make`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Experimental.BackingPersistence, InvalidArgument, OrderedStore> =>
  Layer.effect(Experimental.BackingPersistence, make(options))

/**
 * A layer of the `ResultPersistence` that stands on `layer`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layerResult = (
  options?: Options
): Layer.Layer<Experimental.ResultPersistence, InvalidArgument, OrderedStore> =>
  // The layer of the interface is one constant, which layers with different names would share.
  Layer.provide(Layer.fresh(Experimental.layerResult), layer(options))

const fromEntries = (entries: JsonEntries): Experimental.BackingPersistenceStore => ({
  get: (key) => mapError("get", entries.get(key)),
  getMany: (keys) => mapError("getMany", entries.getMany(keys)),
  set: (key, value, ttl) => mapError("set", entries.set(key, value, millisOf(ttl))),
  setMany: (all) => mapError("setMany", entries.setMany(all.map(([key, value, ttl]) => [key, value, millisOf(ttl)]))),
  remove: (key) => mapError("remove", entries.remove(key)),
  clear: mapError("clear", entries.clear)
})

const millisOf = (ttl: Option.Option<Duration.Duration>): number | undefined =>
  Option.getOrUndefined(Option.map(ttl, Duration.toMillis))

const mapError = <A>(method: string, effect: Effect.Effect<A, JsonReadError | JsonWriteError>) =>
  Effect.mapError(effect, (error) => Experimental.PersistenceBackingError.make(method, error))
