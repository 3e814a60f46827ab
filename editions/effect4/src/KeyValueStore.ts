/**
 * The `KeyValueStore` of `effect/persistence` on an ordered store: durable, with atomic modifications.
 *
 * @since 4.1.0
 */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Persisted from "effect/persistence/KeyValueStore"
import type { ForeignValue } from "./core/adapters/foreignValue.js"
import { bytesFromTagged, fromTagged } from "./core/adapters/taggedValue.js"
import { TextEntries } from "./internal/adapters/keyValueStore/textEntries.js"
import type { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore, type WriteError } from "./OrderedStore.js"

/**
 * Options of a key-value store.
 *
 * @since 4.1.0
 * @category models
 */
export interface Options {
  /**
   * The name, of 1 to 1,024 bytes in UTF-8. Key-value stores with different names in one store do not
   * see each other. Default `"default"`.
   */
  readonly name?: string | undefined
  /** When a write is acknowledged. Default: the `durability` of the store. */
  readonly durability?: Durability | undefined
}

/**
 * Makes a `KeyValueStore` of the program's store.
 *
 * A value is read as what it was set as: a string by `get`, bytes by `getUint8Array`. `get` returns
 * bytes as base64, and `getUint8Array` returns a string as UTF-8. `modify` and `modifyUint8Array` are
 * atomic. `clear` and `clearPrefix` cost the same whatever the number of keys; `size` and `keys` read
 * all keys, which `keys` returns in the order of their UTF-8 bytes.
 *
 * Every failure is a `KeyValueStoreError` whose `cause` is the error of the store: `InvalidArgument`
 * for a key or a string with a lone surrogate, `LimitExceeded` for one over the limits of the store.
 *
 * The views of `effect/persistence` have limits of their own: `KeyValueStore.prefix` lists all keys for
 * `size`, `isEmpty` and `keys`, and `modify` of a schema store is a get and a set, which is not atomic.
 * Instances with different names have neither limit of a prefix.
 *
 * @since 4.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options?: Options
): Effect.fn.Return<Persisted.KeyValueStore, InvalidArgument, OrderedStore> {
  const entries = yield* TextEntries.make(yield* OrderedStore, options)
  return Persisted.make({
    get: (key) => calling("get", Effect.map(entries.get(key, textOf), Option.getOrUndefined), key),
    getUint8Array: (key) =>
      calling("getUint8Array", Effect.map(entries.get(key, bytesFromTagged), Option.getOrUndefined), key),
    set: (key, value) => calling("set", entries.set(key, value), key),
    remove: (key) => calling("remove", entries.remove(key), key),
    has: (key) => calling("has", entries.has(key), key),
    modify: (key, f) => calling("modify", Effect.map(entries.modify(key, textOf, f), Option.getOrUndefined), key),
    modifyUint8Array: (key, f) =>
      calling("modifyUint8Array", Effect.map(entries.modify(key, bytesFromTagged, f), Option.getOrUndefined), key),
    clear: calling("clear", entries.clear),
    clearPrefix: (prefix) => calling("clearPrefix", entries.clearPrefix(prefix), prefix),
    size: calling("size", entries.size),
    keys: calling("keys", entries.keys),
    isEmpty: calling("isEmpty", entries.isEmpty)
  })
})

/**
 * A layer of `make`.
 *
 * @since 4.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Persisted.KeyValueStore, InvalidArgument, OrderedStore> =>
  Layer.effect(Persisted.KeyValueStore, make(options))

const textOf = (tagged: Uint8Array): string => {
  const value = fromTagged(tagged)
  return typeof value === "string" ? value : Base64.encode(value)
}

const calling = <A>(method: string, call: Effect.Effect<A, WriteError | ForeignValue>, key?: string) =>
  Effect.mapError(call, (cause) => {
    const place = key === undefined ? {} : { key }
    return new Persisted.KeyValueStoreError({ method, ...place, message: cause.message, cause })
  })
