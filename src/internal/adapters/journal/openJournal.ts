import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import type { ForeignValue } from "../../../core/adapters/foreignValue.js"
import { idAfter } from "../../../core/adapters/journal/entryIds.js"
import type { JournalKeys, Subject } from "../../../core/adapters/journal/journalKeys.js"
import {
  fromInsertionBytes,
  fromRecordBytes,
  type JournalRecord,
  toCount
} from "../../../core/adapters/journal/journalRecords.js"
import {
  countBytes,
  insert,
  nextAfter,
  type RemoteRecord,
  withoutRepetitions
} from "../../../core/adapters/journal/journalTransitions.js"
import { Places } from "../../../core/adapters/journal/places.js"
import { compare, equals } from "../../../core/bytes/bytes.js"
import type { InvalidArgument } from "../../../LsmError.js"
import type { OrderedStoreService, ReadError, WriteError, WriteOptions } from "../../../OrderedStore.js"
import * as WriteBatch from "../../../WriteBatch.js"
import { reading } from "../attempt.js"
import { batchOf } from "../batchOf.js"
import { keying } from "./keying.js"

export type JournalReadError = ReadError | ForeignValue | InvalidArgument
export type JournalWriteError = WriteError | ForeignValue

/** What a remote is to get: the entries, and the place up to which it has all when it has them. */
export interface Upload<Entry> {
  readonly entries: ReadonlyArray<Entry>
  readonly upTo: number
}

/** What has come from a remote: what the journal has not, and what it has. */
export interface Split<Received> {
  readonly fresh: ReadonlyArray<Received>
  readonly known: ReadonlyArray<Received>
}

/**
 * A journal of one store, shared by all who have it open: they give ids and places one after the other,
 * and see each other's changes.
 */
export class OpenJournal<Entry extends JournalRecord> {
  private readonly places = new Places()
  /** The greatest id that was read or given. */
  private floor: Uint8Array | undefined

  constructor(
    private readonly store: OrderedStoreService,
    private readonly keys: JournalKeys,
    /** The entries that are written here, when they are. */
    readonly changes: PubSub.PubSub<Entry>,
    private readonly toEntry: (record: JournalRecord) => Entry
  ) {}

  /** Looks up the last place and the last id. */
  get load(): Effect.Effect<void, JournalReadError> {
    const { allEntries, allInsertions } = this.keys
    return Effect.flatMap(this.store.collect({ ...allInsertions, reverse: true, limit: 1 }), ([insertion]) =>
      Effect.flatMap(this.store.collect({ ...allEntries, reverse: true, limit: 1 }), ([entry]) =>
        reading(() => {
          this.places.begin(insertion === undefined ? 0 : this.keys.placeOfInsertion(insertion.key))
          if (entry !== undefined) this.raiseFloor(this.keys.idOfEntry(entry.key))
        })
      )
    )
  }

  /** An id after all that the journal has. Throws `RangeError` if there is none. */
  newId(id: Uint8Array): Uint8Array {
    const given = idAfter(id, this.floor)
    this.floor = given
    return given
  }

  /** All entries, in the order of their ids. */
  get entries(): Effect.Effect<Array<Entry>, JournalReadError> {
    return Effect.flatMap(this.store.collect(this.keys.allEntries), (found) =>
      reading(() => found.map(({ key, value }) => this.toEntry(fromRecordBytes(this.keys.idOfEntry(key), value))))
    )
  }

  /** The entries with these ids, each at its place; undefined for one that is not there. */
  byId(ids: ReadonlyArray<Uint8Array>): Effect.Effect<Array<Entry | undefined>, JournalReadError> {
    return Effect.flatMap(this.store.getMany(ids.map((id) => this.keys.entry(id))), (values) =>
      reading(() =>
        values.map((value, i) =>
          Option.isNone(value) ? undefined : this.toEntry(fromRecordBytes(ids[i]!, value.value))
        )
      )
    )
  }

  /** Writes entries of this journal together, and publishes them. */
  write(entries: ReadonlyArray<Entry>, options: WriteOptions): Effect.Effect<void, JournalWriteError> {
    return this.place(entries, (first) =>
      Effect.flatMap(
        keying(() => batchOf(insert(this.keys, entries, first))),
        (batch) => this.store.write(batch, options)
      )
    ).pipe(Effect.zipRight(PubSub.publishAll(this.changes, entries)), Effect.asVoid, Effect.uninterruptible)
  }

  /** What of this the journal has. An entry that came twice is fresh once. */
  split<Received extends RemoteRecord<Entry>>(
    received: ReadonlyArray<Received>
  ): Effect.Effect<Split<Received>, JournalReadError> {
    return Effect.map(this.byId(received.map(({ entry }) => entry.id)), (found) => ({
      fresh: withoutRepetitions(received.filter((_, i) => found[i] === undefined)),
      known: received.filter((_, i) => found[i] !== undefined)
    }))
  }

  /** The entries of a subject whose ids are greater than this one, in the order of their ids. */
  after(subject: Subject, id: Uint8Array): Effect.Effect<Array<Entry>, JournalReadError> {
    return Effect.flatMap(
      keying(() => this.keys.subjectAfter(subject, id)),
      (range) =>
        Effect.flatMap(this.store.collect(range), (found) =>
          Effect.flatMap(
            reading(() => found.map(({ key }) => this.keys.idOfSubject(subject, key))),
            (ids) => Effect.map(this.byId(ids), isThere)
          )
        )
    )
  }

  /**
   * Writes those of the entries that the journal has not, and with them that `received` was seen. Someone
   * else may have written some of them since they were split.
   */
  receive(
    remoteId: Uint8Array,
    fresh: ReadonlyArray<RemoteRecord<Entry>>,
    received: ReadonlyArray<RemoteRecord<Entry>>,
    options: WriteOptions
  ): Effect.Effect<void, JournalWriteError> {
    return untilUnchanged(
      Effect.gen(this, function* () {
        const key = this.keys.next(remoteId)
        const before = yield* this.count(key)
        const next = nextAfter(received, before.count)
        const entries = (yield* this.split(fresh)).fresh.map(({ entry }) => entry)
        if (entries.length === 0 && next === before.count) return
        yield* this.place(entries, (first) =>
          Effect.flatMap(
            keying(() => batchOf(insert(this.keys, entries, first, remoteId))),
            (batch) => {
              for (const { id } of entries) batch.check(this.keys.entry(id), "absent")
              if (next !== before.count) batch.check(key, before.version).put(key, countBytes(next))
              return this.store.write(batch, options)
            }
          )
        )
        for (const { id } of entries) this.raiseFloor(id)
      })
    )
  }

  /** The entries that a remote has not, and that it did not send, in the order of their ids. */
  missing(remoteId: Uint8Array): Effect.Effect<Upload<Entry>, JournalReadError> {
    return Effect.gen(this, function* () {
      const upTo = this.places.settled
      const { count } = yield* this.count(this.keys.uploaded(remoteId))
      if (count >= upTo) return { entries: [], upTo }
      const range = { start: this.keys.insertion(count + 1), end: this.keys.insertion(upTo + 1) }
      const found = yield* this.store.collect(range)
      const insertions = yield* reading(() => found.map(({ value }) => fromInsertionBytes(value)))
      const isOwn = (source: Uint8Array | undefined) => source !== undefined && equals(source, remoteId)
      const ids = insertions.filter(({ source }) => !isOwn(source)).map(({ id }) => id)
      const entries = yield* this.byId(ids.sort(compare))
      return { entries: isThere(entries), upTo }
    })
  }

  /** A remote has everything up to a place. */
  uploaded(remoteId: Uint8Array, upTo: number, options: WriteOptions): Effect.Effect<void, JournalWriteError> {
    return this.raise(this.keys.uploaded(remoteId), (before) => Math.max(before, upTo), options)
  }

  /** The first number of a remote that was not seen. */
  next(remoteId: Uint8Array): Effect.Effect<number, JournalReadError> {
    return Effect.map(this.count(this.keys.next(remoteId)), ({ count }) => count)
  }

  /** Sees more of a remote. */
  advance(
    remoteId: Uint8Array,
    next: (before: number) => number,
    options: WriteOptions
  ): Effect.Effect<void, JournalWriteError> {
    return this.raise(this.keys.next(remoteId), next, options)
  }

  /** Removes everything. */
  destroy(options: WriteOptions): Effect.Effect<void, WriteError> {
    return Effect.zipRight(
      this.store.deleteRange(this.keys.all, options),
      Effect.sync(() => {
        this.floor = undefined
      })
    )
  }

  private raise(
    key: Uint8Array,
    f: (before: number) => number,
    options: WriteOptions
  ): Effect.Effect<void, JournalWriteError> {
    return untilUnchanged(
      Effect.gen(this, function* () {
        const { count, version } = yield* this.count(key)
        const raised = f(count)
        if (raised === count) return
        yield* this.store.write(WriteBatch.make().check(key, version).put(key, countBytes(raised)), options)
      })
    )
  }

  /** A count that is stored, and its version for a check. */
  private count(
    key: Uint8Array
  ): Effect.Effect<{ readonly count: number; readonly version: number | "absent" }, JournalReadError> {
    return Effect.flatMap(this.store.getEntry(key), (found) =>
      reading(() => {
        const entry = Option.getOrUndefined(found)
        return { count: toCount(entry?.value), version: entry?.version ?? "absent" }
      })
    )
  }

  /** Runs a write that places entries. When it is not known whether it was made, uploads do not pass it. */
  private place<E extends object>(
    entries: ReadonlyArray<Entry>,
    write: (first: number) => Effect.Effect<void, E>
  ): Effect.Effect<void, E> {
    return Effect.suspend(() => {
      const first = this.places.take(entries.length)
      const settle = Effect.sync(() => this.places.settle(first))
      return write(first).pipe(
        Effect.tapError((error) => (isUnknown(error) ? Effect.void : settle)),
        Effect.zipLeft(settle)
      )
    })
  }

  private raiseFloor(id: Uint8Array): void {
    if (this.floor === undefined || compare(id, this.floor) > 0) this.floor = id
  }
}

const isUnknown = (error: object): boolean => "_tag" in error && error._tag === "OutcomeUnknown"

const isThere = <Entry>(entries: ReadonlyArray<Entry | undefined>): Array<Entry> =>
  entries.filter((entry) => entry !== undefined)

/** Decides anew until nothing has changed what was decided on. Is not interrupted between the two. */
const untilUnchanged = <E>(decision: Effect.Effect<void, E>): Effect.Effect<void, E> =>
  Effect.uninterruptible(
    Effect.retry(decision, {
      while: (error) => typeof error === "object" && error !== null && "_tag" in error && error._tag === "Conflict"
    })
  )
