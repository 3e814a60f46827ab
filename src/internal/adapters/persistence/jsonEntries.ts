import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ForeignValue } from "../../../core/adapters/foreignValue.js"
import { fromJson, toJson } from "../../../core/adapters/jsonValue.js"
import { adapterPrefix, adapterRange } from "../../../core/adapters/reservations.js"
import { textKey } from "../../../core/adapters/textKey.js"
import type { InvalidArgument } from "../../../LsmError.js"
import type { Durability } from "../../../LsmOptions.js"
import type { OrderedStoreService, ReadError, WriteError, WriteOptions } from "../../../OrderedStore.js"
import * as WriteBatch from "../../../WriteBatch.js"
import { encoding, reading } from "../attempt.js"
import { loneSurrogate } from "../loneSurrogate.js"

/** The key, the value, and how many milliseconds it is kept: undefined if it is kept for good. */
export type JsonEntry = readonly [key: string, value: unknown, ttl: number | undefined]

export type JsonReadError = ReadError | ForeignValue
/** A `TypeError` is that of `JSON.stringify`. */
export type JsonWriteError = WriteError | TypeError

/** Values by strings, in JSON and with a time to live, in the namespace of one store id. */
export class JsonEntries {
  private readonly prefix: Uint8Array
  private readonly range: { readonly start: Uint8Array; readonly end: Uint8Array }
  private readonly writing: WriteOptions

  /** Throws `KeyFailure` for an id with a lone surrogate. */
  constructor(
    private readonly store: OrderedStoreService,
    name: string,
    storeId: string,
    durability: Durability | undefined
  ) {
    this.prefix = adapterPrefix("persistence", name, storeId)
    this.range = adapterRange("persistence", name, storeId)
    this.writing = { durability }
  }

  get(key: string): Effect.Effect<Option.Option<unknown>, JsonReadError> {
    const bytes = textKey(this.prefix, key)
    if (bytes === undefined) return Effect.fail(loneSurrogate("key"))
    return Effect.flatMap(this.store.get(bytes), (found) => reading(() => Option.map(found, fromJson)))
  }

  /** The values as of one moment, in the order of the keys. */
  getMany(keys: ReadonlyArray<string>): Effect.Effect<Array<Option.Option<unknown>>, JsonReadError> {
    const all: Array<Uint8Array> = []
    for (const key of keys) {
      const bytes = textKey(this.prefix, key)
      if (bytes === undefined) return Effect.fail(loneSurrogate("key"))
      all.push(bytes)
    }
    return Effect.flatMap(this.store.getMany(all), (found) => reading(() => found.map(Option.map(fromJson))))
  }

  set(key: string, value: unknown, ttl: number | undefined): Effect.Effect<void, JsonWriteError> {
    const bytes = textKey(this.prefix, key)
    if (bytes === undefined) return Effect.fail(loneSurrogate("key"))
    return Effect.suspend(() => {
      if (hasEnded(ttl)) return this.store.delete(bytes, this.writing)
      const json = encoding(() => toJson(value))
      return Effect.flatMap(json, (json) => this.store.put(bytes, json, { ...this.writing, ttl }))
    })
  }

  /** Sets all of them or none. */
  setMany(entries: ReadonlyArray<JsonEntry>): Effect.Effect<void, JsonWriteError> {
    return Effect.suspend(() =>
      Effect.flatMap(
        encoding(() => this.batchOf(entries)),
        (batch): Effect.Effect<void, WriteError> =>
          batch instanceof WriteBatch.WriteBatch ? this.store.write(batch, this.writing) : Effect.fail(batch)
      )
    )
  }

  remove(key: string): Effect.Effect<void, WriteError> {
    const bytes = textKey(this.prefix, key)
    return bytes === undefined ? Effect.fail(loneSurrogate("key")) : this.store.delete(bytes, this.writing)
  }

  get clear(): Effect.Effect<void, WriteError> {
    return this.store.deleteRange(this.range, this.writing)
  }

  private batchOf(entries: ReadonlyArray<JsonEntry>): WriteBatch.WriteBatch | InvalidArgument {
    const batch = WriteBatch.make()
    for (const [key, value, ttl] of entries) {
      const bytes = textKey(this.prefix, key)
      if (bytes === undefined) return loneSurrogate("key")
      if (hasEnded(ttl)) batch.delete(bytes)
      else batch.put(bytes, toJson(value), ttl === undefined ? undefined : { ttl })
    }
    return batch
  }
}

/** What is kept for no time has expired when it is written. */
const hasEnded = (ttl: number | undefined): boolean => ttl !== undefined && ttl <= 0
