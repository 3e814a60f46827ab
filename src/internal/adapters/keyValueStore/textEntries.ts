import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { ForeignValue } from "../../../core/adapters/foreignValue.js"
import { adapterPrefix, adapterRange } from "../../../core/adapters/reservations.js"
import { toTagged } from "../../../core/adapters/taggedValue.js"
import { textKey } from "../../../core/adapters/textKey.js"
import { decodeUtf8 } from "../../../core/bytes/bytes.js"
import type { InvalidArgument } from "../../../LsmError.js"
import type { Durability } from "../../../LsmOptions.js"
import type { OrderedStoreService, ReadError, WriteError, WriteOptions } from "../../../OrderedStore.js"
import { reading } from "../attempt.js"
import { defaultName, nameFault } from "../instanceName.js"
import { loneSurrogate } from "../loneSurrogate.js"

/** What is stored: as it was set. */
export type Value = string | Uint8Array

export interface Options {
  readonly name?: string | undefined
  readonly durability?: Durability | undefined
}

/**
 * Entries by strings, in a namespace of a store. A value is a string or bytes, and stays what it is.
 */
export class TextEntries {
  private readonly prefix: Uint8Array
  private readonly range: { readonly start: Uint8Array; readonly end: Uint8Array }
  private readonly writing: WriteOptions

  private constructor(
    private readonly store: OrderedStoreService,
    name: string,
    durability: Durability | undefined
  ) {
    this.prefix = adapterPrefix("kv", name)
    this.range = adapterRange("kv", name)
    this.writing = { durability }
  }

  static make(
    store: OrderedStoreService,
    { durability, name = defaultName }: Options = {}
  ): Effect.Effect<TextEntries, InvalidArgument> {
    const fault = nameFault(name)
    return fault === undefined ? Effect.succeed(new TextEntries(store, name, durability)) : Effect.fail(fault)
  }

  /** The value of a key, as `read` makes it of what is stored. */
  get<A extends Value>(
    key: string,
    read: (tagged: Uint8Array) => A
  ): Effect.Effect<Option.Option<A>, ReadError | ForeignValue> {
    const bytes = textKey(this.prefix, key)
    if (bytes === undefined) return Effect.fail(loneSurrogate("key"))
    return Effect.flatMap(this.store.get(bytes), (found) => reading(() => Option.map(found, read)))
  }

  has(key: string): Effect.Effect<boolean, ReadError> {
    const bytes = textKey(this.prefix, key)
    return bytes === undefined ? Effect.fail(loneSurrogate("key")) : this.store.has(bytes)
  }

  set(key: string, value: Value): Effect.Effect<void, WriteError> {
    const bytes = textKey(this.prefix, key)
    if (bytes === undefined) return Effect.fail(loneSurrogate("key"))
    const tagged = toTagged(value)
    return tagged === undefined ? Effect.fail(loneSurrogate("value")) : this.store.put(bytes, tagged, this.writing)
  }

  remove(key: string): Effect.Effect<void, WriteError> {
    const bytes = textKey(this.prefix, key)
    return bytes === undefined ? Effect.fail(loneSurrogate("key")) : this.store.delete(bytes, this.writing)
  }

  /**
   * Replaces a value that is there, and returns the new one. No other write comes between. What `f`
   * throws is a defect.
   */
  modify<A extends Value>(
    key: string,
    read: (tagged: Uint8Array) => A,
    f: (value: A) => A
  ): Effect.Effect<Option.Option<A>, WriteError | ForeignValue> {
    return Effect.suspend(() => {
      const bytes = textKey(this.prefix, key)
      if (bytes === undefined) return Effect.fail(loneSurrogate("key"))
      let modified: A | undefined
      let fault: InvalidArgument | ForeignValue | undefined
      const change = (found: Option.Option<Uint8Array>): Uint8Array | undefined => {
        if (Option.isNone(found)) return undefined
        let value: A
        try {
          value = read(found.value)
        } catch (failure) {
          if (!(failure instanceof ForeignValue)) throw failure
          fault = failure
          return undefined
        }
        modified = f(value)
        const tagged = toTagged(modified)
        if (tagged === undefined) fault = loneSurrogate("value")
        return tagged
      }
      return Effect.flatMap(this.store.update(bytes, change, this.writing), () =>
        fault === undefined ? Effect.succeed(Option.fromNullable(modified)) : Effect.fail(fault)
      )
    })
  }

  get clear(): Effect.Effect<void, WriteError> {
    return this.store.deleteRange(this.range, this.writing)
  }

  /** Removes the entries whose key begins with a string. */
  clearPrefix(text: string): Effect.Effect<void, WriteError> {
    if (text === "") return this.clear
    const prefix = textKey(this.prefix, text)
    return prefix === undefined
      ? Effect.fail(loneSurrogate("prefix"))
      : this.store.deleteRange({ prefix }, this.writing)
  }

  /** Reads all keys. */
  get size(): Effect.Effect<number, ReadError> {
    return this.store.count(this.range)
  }

  get isEmpty(): Effect.Effect<boolean, ReadError> {
    return Effect.map(this.store.collect({ ...this.range, limit: 1 }), ({ length }) => length === 0)
  }

  get keys(): Effect.Effect<Array<string>, ReadError> {
    return Effect.map(this.store.collect(this.range), (entries) =>
      entries.map(({ key }) => decodeUtf8(key.subarray(this.prefix.length)))
    )
  }
}
