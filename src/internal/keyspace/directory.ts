import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { keyText } from "../../core/commit/keyText.js"
import { decodeFirst, decodeTuple } from "../../core/keys/decodeTuple.js"
import type { KeyElement } from "../../core/keys/element.js"
import { encodeTuple } from "../../core/keys/encodeTuple.js"
import { KeyFailure } from "../../core/keys/keyFailure.js"
import { afterAll } from "../../core/keys/prefixRange.js"
import { DecodeFailed } from "../../KeyspaceError.js"
import type { OrderedStoreService, ReadError, WriteError, WriteOptions } from "../../OrderedStore.js"
import * as WriteBatch from "../../WriteBatch.js"
import {
  allRows,
  indexKey,
  indexNameKey,
  indexNames,
  keyspacePrefix,
  nameKey,
  namesPrefix,
  nextIdKey,
  reservedLength,
  versionKey
} from "./reserved.js"

/** How far rows have this version: none of them, those up to a key, or all. */
export type Migrated = "none" | "all" | Uint8Array

/** A keyspace as one store has it, shared by all who have opened it. */
export interface Slot {
  readonly id: bigint
  readonly prefix: Uint8Array
  isDropped: boolean
  /** How far the rows have the version of the program. */
  migrated: Migrated
  /** The indexes of the keyspace, by name. Undefined until they are looked up. */
  indexes: Map<string, IndexState> | undefined
}

/** An index of a keyspace, shared by all who have it open. */
export interface IndexState {
  readonly slot: Slot
  readonly version: number
  isReady: boolean
  /** The last row that the building has come to. */
  position: Uint8Array | undefined
}

/**
 * The names and ids of the keyspaces of one store. What changes the directory is done by one fiber at
 * a time, and no one else has the store open, so an id is given once.
 *
 * An id need not be durable before rows are written with it: what survives a crash is a prefix of all
 * writes, so no row outlives the entry that gave its id.
 */
export class Directory {
  private readonly oneAtATime = Effect.unsafeMakeSemaphore(1)
  /** By the keys of their entries, as texts. */
  private readonly slots = new Map<string, Slot>()
  private nextId: bigint | undefined
  /** For those who look up or make indexes. */
  readonly indexing = Effect.unsafeMakeSemaphore(1)

  constructor(private readonly store: OrderedStoreService) {}

  /** The slot of a keyspace, which gets an id if it has none. */
  open(name: string): Effect.Effect<Slot, WriteError | DecodeFailed> {
    return this.openAt(name, nameKey(name))
  }

  /** The same for an index. */
  openIndex(keyspace: string, index: string): Effect.Effect<Slot, WriteError | DecodeFailed> {
    return this.openAt(keyspace, indexNameKey(keyspace, index))
  }

  private openAt(name: string, key: Uint8Array): Effect.Effect<Slot, WriteError | DecodeFailed> {
    return Effect.suspend(() => {
      const slot = this.slots.get(textOf(key))
      return slot === undefined ? this.oneAtATime.withPermits(1)(this.find(name, key)) : Effect.succeed(slot)
    })
  }

  /** The names of the indexes of a keyspace. */
  indexesOf(keyspace: string): Effect.Effect<Array<string>, ReadError | DecodeFailed> {
    const range = indexNames(keyspace)
    return Effect.flatMap(this.store.collect({ start: range.start, end: range.end }), (entries) =>
      reading(keyspace, range.start, () => entries.map(({ key }) => stringOf(decodeTuple(key, reservedLength)[3])))
    )
  }

  /** Forgets a keyspace and its indexes, and deletes all that they have. */
  drop(name: string, options: WriteOptions | undefined): Effect.Effect<boolean, WriteError | DecodeFailed> {
    const { slots, store } = this
    return this.oneAtATime.withPermits(1)(
      Effect.gen(this, function* () {
        const keys = [nameKey(name)]
        for (const index of yield* this.indexesOf(name)) keys.push(indexNameKey(name, index))
        const batch = WriteBatch.make()
        const dropped: Array<string> = []
        for (const key of keys) {
          const id = yield* this.idAt(name, key)
          if (id === undefined) continue
          batch.delete(key).delete(indexKey(id)).delete(versionKey(id)).deleteRange(rangeOf(id))
          dropped.push(textOf(key))
        }
        if (dropped.length === 0) return false
        const forget = Effect.sync(() => {
          for (const one of dropped) {
            const slot = slots.get(one)
            if (slot !== undefined) slot.isDropped = true
            slots.delete(one)
          }
        })
        return yield* Effect.uninterruptible(Effect.as(Effect.zipRight(store.write(batch, options), forget), true))
      })
    )
  }

  /** Forgets an index, and deletes its entries. */
  dropIndex(
    keyspace: string,
    index: string,
    options: WriteOptions | undefined
  ): Effect.Effect<boolean, WriteError | DecodeFailed> {
    const name = indexNameKey(keyspace, index)
    return this.indexing.withPermits(1)(
      Effect.flatMap(this.idAt(keyspace, name), (id) => {
        if (id === undefined) return Effect.succeed(false)
        const batch = WriteBatch.make().delete(name).delete(indexKey(id)).deleteRange(rangeOf(id))
        const forget = Effect.sync(() => {
          this.slots.get(textOf(nameKey(keyspace)))?.indexes?.delete(index)
          this.slots.delete(textOf(name))
        })
        return Effect.uninterruptible(Effect.as(Effect.zipRight(this.store.write(batch, options), forget), true))
      })
    )
  }

  /** The names of all keyspaces, in order. */
  readonly names: Effect.Effect<Array<string>, ReadError | DecodeFailed> = Effect.suspend(() =>
    Effect.flatMap(this.store.collect({ prefix: namesPrefix }), (entries) =>
      reading("", namesPrefix, () => entries.map(({ key }) => stringOf(decodeTuple(key, reservedLength)[2])))
    )
  )

  /** Another fiber may have found it while this one waited for its turn. */
  private find(name: string, key: Uint8Array): Effect.Effect<Slot, WriteError | DecodeFailed> {
    return Effect.suspend(() => {
      const slot = this.slots.get(textOf(key))
      if (slot !== undefined) return Effect.succeed(slot)
      return Effect.flatMap(this.idAt(name, key), (id) =>
        id === undefined ? this.give(name, key) : Effect.sync(() => this.remember(key, id))
      )
    })
  }

  private remember(key: Uint8Array, id: bigint): Slot {
    const slot: Slot = { id, prefix: keyspacePrefix(id), isDropped: false, migrated: "all", indexes: undefined }
    this.slots.set(textOf(key), slot)
    return slot
  }

  private idAt(name: string, key: Uint8Array): Effect.Effect<bigint | undefined, ReadError | DecodeFailed> {
    return Effect.flatMap(this.store.get(key), (value) =>
      reading(name, key, () => (Option.isNone(value) ? undefined : idIn(decodeTuple(value.value)[0])))
    )
  }

  private give(name: string, key: Uint8Array): Effect.Effect<Slot, WriteError | DecodeFailed> {
    const { store } = this
    return Effect.flatMap(this.findNextId(name), (id) => {
      const batch = WriteBatch.make()
        .put(key, encodeTuple([id]))
        .put(nextIdKey, encodeTuple([id + 1n]))
      const remember = Effect.sync(() => this.remember(key, id))
      // An id whose write fails may still be in the log. It is not given again.
      this.nextId = id + 1n
      return Effect.uninterruptible(Effect.zipRight(store.write(batch, { durability: "buffered" }), remember))
    })
  }

  /** A directory that lost entries to damage must not give an id that has rows. */
  private findNextId(name: string): Effect.Effect<bigint, ReadError | DecodeFailed> {
    return Effect.suspend(() => {
      if (this.nextId !== undefined) return Effect.succeed(this.nextId)
      return Effect.zipWith(this.idAt(name, nextIdKey), this.lastId, (next, last) => {
        return next !== undefined && next > last ? next : last + 1n
      })
    })
  }

  /** The largest id that has rows, or 0. */
  private readonly lastId: Effect.Effect<bigint, ReadError> = Effect.suspend(() =>
    Effect.map(this.store.collect({ ...allRows, reverse: true, limit: 1 }), ([entry]) =>
      entry === undefined ? 0n : idOfRow(entry.key)
    )
  )
}

const directories = new WeakMap<object, Directory>()

/** The directory of a store. A copy of a store, such as `{ ...store }`, has the same one. */
export const directoryOf = (store: OrderedStoreService): Directory => {
  const found = directories.get(store.identity)
  if (found !== undefined) return found
  const made = new Directory(store)
  directories.set(store.identity, made)
  return made
}

/** Reads an entry of the directory. What is no entry is damaged, or was put there by the application. */
const reading = <A>(keyspace: string, key: Uint8Array, read: () => A): Effect.Effect<A, DecodeFailed> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(read())
    } catch (failure) {
      if (!(failure instanceof KeyFailure)) throw failure
      const text = `0x${Buffer.from(key).toString("hex")}`
      return Effect.fail(new DecodeFailed({ keyspace, part: "directory", key: text, reason: failure.message }))
    }
  })

/** The keys of a keyspace or an index. */
const rangeOf = (id: bigint) => {
  const start = keyspacePrefix(id)
  return { start, end: afterAll(start) }
}

const textOf = (key: Uint8Array): string => keyText(key, 0, key.length)

const idIn = (element: KeyElement | undefined): bigint => {
  if (typeof element === "bigint" && element > 0n) return element
  throw new KeyFailure("no id")
}

const stringOf = (element: KeyElement | undefined): string => {
  if (typeof element === "string") return element
  throw new KeyFailure("no name")
}

/** The id with which a key begins. A key of the application, which is none, counts as id 0. */
const idOfRow = (key: Uint8Array): bigint => {
  try {
    return idIn(decodeFirst(key, reservedLength))
  } catch {
    return 0n
  }
}
