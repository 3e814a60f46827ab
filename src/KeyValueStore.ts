/**
 * The `KeyValueStore` of `@effect/platform` on an ordered store: durable, with atomic modifications.
 *
 * @since 3.1.0
 */
import * as PlatformError from "@effect/platform/Error"
import * as Platform from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Encoding from "effect/Encoding"
import * as Layer from "effect/Layer"
import { ForeignValue } from "./core/adapters/foreignValue.js"
import { bytesFromTagged, fromTagged } from "./core/adapters/taggedValue.js"
import { TextEntries } from "./internal/adapters/keyValueStore/textEntries.js"
import { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore, type WriteError } from "./OrderedStore.js"

/**
 * Options of a key-value store.
 *
 * @since 3.1.0
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
 * What is set as a string is read as it was by `get`, and as UTF-8 by `getUint8Array`. What is set as
 * bytes is read as they were by `getUint8Array`, and as base64 by `get`. `modify` and
 * `modifyUint8Array` are atomic. `clear` costs the same whatever the number of keys; `size` reads all
 * keys.
 *
 * Keys and strings with a lone surrogate, and those over the limits of the store, fail with
 * `BadArgument`. All other failures of the store are a `SystemError`, whose `cause` is the error of the
 * store.
 *
 * The views of `@effect/platform` have limits of their own: of `KeyValueStore.prefix`, `clear`, `size`,
 * `isEmpty` and the methods for bytes do not know the prefix, and `modify` of `forSchema` is a get and
 * a set, which is not atomic. Use instances with different names instead of prefixes.
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = (options?: Options): Effect.Effect<Platform.KeyValueStore, InvalidArgument, OrderedStore> =>
  Effect.flatMap(OrderedStore, (store) => Effect.map(TextEntries.make(store, options), fromEntries))

/**
 * A layer of `make`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<Platform.KeyValueStore, InvalidArgument, OrderedStore> =>
  Layer.effect(Platform.KeyValueStore, make(options))

const textOf = (tagged: Uint8Array): string => {
  const value = fromTagged(tagged)
  return typeof value === "string" ? value : Encoding.encodeBase64(value)
}

const fromEntries = (entries: TextEntries): Platform.KeyValueStore =>
  Platform.make({
    get: (key) => mapError("get", key, entries.get(key, textOf)),
    getUint8Array: (key) => mapError("getUint8Array", key, entries.get(key, bytesFromTagged)),
    set: (key, value) => mapError("set", key, entries.set(key, value)),
    remove: (key) => mapError("remove", key, entries.remove(key)),
    has: (key) => mapError("has", key, entries.has(key)),
    modify: (key, f) => mapError("modify", key, entries.modify(key, textOf, f)),
    modifyUint8Array: (key, f) => mapError("modifyUint8Array", key, entries.modify(key, bytesFromTagged, f)),
    clear: mapError("clear", undefined, entries.clear),
    size: mapError("size", undefined, entries.size),
    isEmpty: mapError("isEmpty", undefined, entries.isEmpty)
  })

const mapError = <A>(method: string, key: string | undefined, effect: Effect.Effect<A, WriteError | ForeignValue>) =>
  Effect.mapError(effect, (error) => errorOf(method, key, error))

const errorOf = (
  method: string,
  key: string | undefined,
  cause: WriteError | ForeignValue
): PlatformError.PlatformError => {
  const shared = { module: "KeyValueStore", method, description: cause.message, cause } as const
  if (cause instanceof InvalidArgument || (!(cause instanceof ForeignValue) && cause._tag === "LimitExceeded")) {
    return new PlatformError.BadArgument(shared)
  }
  const place = key === undefined ? {} : { pathOrDescriptor: key }
  return new PlatformError.SystemError({ ...shared, ...place, reason: reasonOf(cause) })
}

const reasonOf = (error: WriteError | ForeignValue): PlatformError.SystemErrorReason => {
  if (error instanceof ForeignValue) return "InvalidData"
  switch (error._tag) {
    case "Corruption":
    case "UnsupportedFormat":
      return "InvalidData"
    case "StoreReadOnly":
      return "PermissionDenied"
    case "StoreClosed":
    case "StorePoisoned":
      return "BadResource"
    case "Unavailable":
      return "Busy"
    default:
      return "Unknown"
  }
}
