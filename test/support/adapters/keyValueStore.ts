import type * as PlatformError from "@effect/platform/Error"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** The interface of this edition in one form, for tests that both editions share. */
export const calls = Effect.map(KeyValueStore.KeyValueStore, (kv) => ({
  get: (key: string) => Effect.map(kv.get(key), Option.getOrUndefined),
  getUint8Array: (key: string) => Effect.map(kv.getUint8Array(key), Option.getOrUndefined),
  set: kv.set,
  remove: kv.remove,
  has: kv.has,
  modify: (key: string, f: (value: string) => string) => Effect.map(kv.modify(key, f), Option.getOrUndefined),
  modifyUint8Array: (key: string, f: (value: Uint8Array) => Uint8Array) =>
    Effect.map(kv.modifyUint8Array(key, f), Option.getOrUndefined),
  clear: kv.clear,
  size: kv.size,
  isEmpty: kv.isEmpty
}))

/** What kind of error it is, and the tag of the store's error that caused it. */
export const kindOf = (error: PlatformError.PlatformError) => {
  const { _tag: tag } = error.cause as { readonly _tag: string }
  return { kind: error._tag === "BadArgument" ? "BadArgument" : error.reason, method: error.method, cause: tag }
}
