import { longestKey } from "../../core/bytes/lookupKey.js"
import type { KeyRange } from "../../core/cursor/visibleCursor.js"
import type { Durability } from "../../LsmOptions.js"
import type { ReadOptions, Snapshot, Store, UnsafeSnapshot, WriteOptions } from "../../Store.js"
import { WriteBatch } from "../../WriteBatch.js"
import { type Data, type Format, Reader } from "./formats.js"
import type { KeyPrefix, Limits } from "./keyPrefix.js"
import { toLevelError } from "./levelError.js"
import { openWalk, type RangeWalk } from "./rangeWalk.js"
import { runNow, runPromise } from "./running.js"
import { storeKey } from "./shapes.js"
import { afterTurn, entriesPerLookup, Turns } from "./turns.js"

/** An operation of a batch, as abstract-level passes it. */
export interface Operation {
  readonly type: "put" | "del"
  readonly key: Data
  readonly value?: Data
}

/** Options of writes. */
export interface Syncing {
  readonly sync?: boolean | undefined
}

/** Deletes that are written together when a range cannot be deleted as one. */
const deletesPerBatch = 1000

/** A batch that is larger gives its memory back. */
const keptBatchBytes = 1024 * 1024

const toSync: WriteOptions = { durability: "sync" }

/** The entries of a database in an open store. */
export class Entries {
  readonly turns = new Turns()
  private readonly readers = { utf8: new Reader("utf8"), buffer: new Reader("buffer"), view: new Reader("view") }
  private readonly byDefault: WriteOptions
  /** A batch whose memory the next one takes. */
  private spare: WriteBatch | undefined

  constructor(
    readonly store: Store,
    readonly prefix: KeyPrefix,
    durability: Durability
  ) {
    this.byDefault = { durability }
  }

  /** @throws LevelError */
  getNow(key: Data, format: Format, snapshot: Snapshot | undefined): Data | undefined {
    try {
      const value = this.store.unsafeGet(this.prefix.add(key), snapshot && { snapshot })
      return value && this.readers[format].own(value)
    } catch (failure) {
      throw toLevelError(failure)
    }
  }

  get(key: Data, format: Format, snapshot: Snapshot | undefined): Data | undefined | Promise<Data | undefined> {
    const value = this.getNow(key, format, snapshot)
    return this.turns.spend(entriesPerLookup) ? afterTurn(value) : value
  }

  getMany(
    keys: ReadonlyArray<Data>,
    format: Format,
    snapshot: Snapshot | undefined
  ): Array<Data | undefined> | Promise<Array<Data | undefined>> {
    const values = keys.map((key) => this.getNow(key, format, snapshot))
    return this.turns.spend(keys.length * entriesPerLookup) ? afterTurn(values) : values
  }

  has(key: Data, snapshot: Snapshot | undefined): boolean | Promise<boolean> {
    const isThere = runNow(this.store.has(this.ownKey(key), reading(snapshot)))
    return typeof isThere === "boolean" && this.turns.spend(entriesPerLookup) ? afterTurn(isThere) : isThere
  }

  /** As of one moment. */
  async hasMany(keys: ReadonlyArray<Data>, snapshot: Snapshot | undefined): Promise<Array<boolean>> {
    const each = await Promise.all(keys.map((key) => runNow(this.store.has(this.ownKey(key), reading(snapshot)))))
    return this.turns.spend(keys.length * entriesPerLookup) ? afterTurn(each) : each
  }

  put(key: Data, value: Data, options: Syncing): void | Promise<void> {
    return runNow(this.store.put(this.ownKey(key), value, this.writing(options)))
  }

  delete(key: Data, options: Syncing): void | Promise<void> {
    return runNow(this.store.delete(this.ownKey(key), this.writing(options)))
  }

  /** An empty batch for `write`. */
  takeBatch(): WriteBatch {
    const batch = this.spare ?? new WriteBatch()
    this.spare = undefined
    return batch
  }

  /** Writes a batch, which the caller must not use any more. */
  write(batch: WriteBatch, options: Syncing): void | Promise<void> {
    const written = runNow(this.store.write(batch, this.writing(options)))
    // One that has not returned at once may not have taken the operations yet.
    if (written === undefined && batch.byteLength <= keptBatchBytes) this.spare = batch.clear()
    return written
  }

  writeAll(operations: ReadonlyArray<Operation>, options: Syncing): void | Promise<void> {
    const batch = this.takeBatch()
    for (const operation of operations) this.addTo(batch, operation.type, operation.key, operation.value)
    return this.write(batch, options)
  }

  addTo(batch: WriteBatch, type: Operation["type"], key: Data, value: Data | undefined): void {
    try {
      if (type === "put") batch.put(this.prefix.add(key), value!)
      else batch.delete(this.prefix.add(key))
    } catch (failure) {
      throw toLevelError(failure)
    }
  }

  walk(limits: Limits, snapshot: Snapshot | undefined, keysOnly: boolean): RangeWalk {
    return openWalk(this.store, this.range(limits), snapshot, keysOnly)
  }

  /** Deletes a range: as a whole, or the entries in it that a limit or a snapshot leaves. */
  async clear(
    limits: Limits & Syncing & { readonly limit: number; readonly reverse: boolean },
    snapshot: Snapshot | undefined
  ): Promise<void> {
    const range = this.range(limits)
    if (limits.limit < 0 && snapshot === undefined && isDeletable(range)) {
      return runPromise(this.store.deleteRange(range, this.writing(limits)))
    }
    const walk = openWalk(this.store, range, snapshot, true)
    try {
      let left = limits.limit < 0 ? Number.POSITIVE_INFINITY : limits.limit
      while (left > 0) {
        const keys = walk.take(storeKey, Math.min(left, deletesPerBatch), limits.reverse)
        if (keys.length === 0 && walk.isOver) return
        left -= keys.length
        const batch = this.takeBatch()
        for (const key of keys) batch.delete(key)
        await this.write(batch, limits)
        await afterTurn(undefined)
      }
    } finally {
      walk.close()
    }
  }

  /** @throws LevelError */
  snapshot(): UnsafeSnapshot {
    try {
      return this.store.unsafeSnapshot()
    } catch (failure) {
      throw toLevelError(failure)
    }
  }

  approximateSize(start: Data, end: Data): Promise<number> {
    return runPromise(this.store.approximateSize(this.range({ gte: start, lt: end })))
  }

  compact(start: Data, end: Data): Promise<void> {
    return runPromise(this.store.compact(this.range({ gte: start, lte: end })))
  }

  private range(limits: Limits): KeyRange {
    try {
      return this.prefix.range(limits)
    } catch (failure) {
      throw toLevelError(failure)
    }
  }

  /** A key of its own, for Effects that may be evaluated later. */
  private ownKey(key: Data): Data {
    if (this.prefix.length === 0) return key
    try {
      return this.prefix.bound(key)
    } catch (failure) {
      throw toLevelError(failure)
    }
  }

  private writing({ sync }: Syncing): WriteOptions {
    return sync === true ? toSync : this.byDefault
  }
}

const reading = (snapshot: Snapshot | undefined): ReadOptions | undefined => snapshot && { snapshot }

/** The bounds of a deleted range are stored, so they must not be longer than keys. */
const isDeletable = ({ start, end }: KeyRange): boolean =>
  (start?.length ?? 0) <= longestKey && (end?.length ?? 0) <= longestKey
