/**
 * The `EventJournal` of `effect/eventlog` on an ordered store: the journal of an `EventLog` that outlives
 * the process.
 *
 * @since 4.1.0
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Log from "effect/eventlog/EventJournal"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as References from "effect/References"
import * as Semaphore from "effect/Semaphore"
import { compare } from "./core/bytes/bytes.js"
import { defaultName, nameFault } from "./internal/adapters/instanceName.js"
import { Journals } from "./internal/adapters/journal/journals.js"
import type { OpenJournal } from "./internal/adapters/journal/openJournal.js"
import type { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore, type WriteOptions } from "./OrderedStore.js"

/**
 * Options of a journal.
 *
 * @since 4.1.0
 * @category models
 */
export interface Options {
  /**
   * The name, of 1 to 1,024 bytes in UTF-8. Journals with different names in one store do not see each
   * other. Default `"default"`.
   */
  readonly name?: string | undefined
  /** When a write is acknowledged. Default: the `durability` of the store. */
  readonly durability?: Durability | undefined
}

/**
 * Makes an `EventJournal` of the program's store.
 *
 * `entries` returns them in the order of their ids. The ids of entries that are written here are greater
 * than all ids in the journal, also if the clock was set back.
 *
 * `write` and `writeMany` run the effect, then commit the entries together, then publish them. Nothing is
 * committed if the effect fails or is interrupted. If the process ends in between, the effect has run and
 * there are no entries, so what it does must bear to be done again.
 *
 * `writeFromRemote` commits its entries together and with them what was seen of the remote, after the
 * effect. Their order and their conflicts are those that the journal in memory of `effect/eventlog`
 * finds, with the places of compacted entries.
 *
 * `withRemoteUncommited` gives the entries that the remote did not send, and that no earlier call which
 * succeeded has given it: those of other remotes too. They are given at least once. The locks of
 * `withLock` are those of this process, which has the store for itself.
 *
 * Every failure is an `EventJournalError`, whose `cause` is the error of the store: `InvalidArgument` for
 * an event or a primary key with a lone surrogate, `LimitExceeded` for those whose key would be longer
 * than the store allows.
 *
 * @since 4.1.0
 * @category constructors
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Log.EventJournal["Service"], InvalidArgument | Log.EventJournalError, OrderedStore> {
  const { durability, name = defaultName } = options
  const fault = nameFault(name)
  if (fault !== undefined) return yield* Effect.fail(fault)
  const store = yield* OrderedStore
  return fromJournal(yield* calling("open", journals.open(store, name)), { durability })
})

/**
 * A layer of `make`.
 *
 * @since 4.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<Log.EventJournal, InvalidArgument | Log.EventJournalError, OrderedStore> =>
  Layer.effect(Log.EventJournal, make(options))

const journals = new Journals<Log.Entry>(({ event, id, payload, primaryKey }) =>
  entryOf({ id: id as Log.EntryId, event, primaryKey, payload })
)

/** An entry of fields that need no check: they were stored, or are those of this journal. */
const entryOf = (fields: ConstructorParameters<typeof Log.Entry>[0]) => new Log.Entry(fields, { disableChecks: true })

/** The locks of each journal, by what they are for. */
const locks = new WeakMap<OpenJournal<Log.Entry>, Map<string, Semaphore.Semaphore>>()

const lockOf = (journal: OpenJournal<Log.Entry>, storeId: string): Semaphore.Semaphore => {
  const ofJournal = locks.get(journal) ?? new Map<string, Semaphore.Semaphore>()
  locks.set(journal, ofJournal)
  const lock = ofJournal.get(storeId) ?? Semaphore.makeUnsafe(1)
  ofJournal.set(storeId, lock)
  return lock
}

const fromJournal = (journal: OpenJournal<Log.Entry>, writing: WriteOptions): Log.EventJournal["Service"] => {
  const writeMany: Log.EventJournal["Service"]["writeMany"] = ({ effect, entries }) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.try({
        try: () =>
          Arr.map(entries, (entry) => {
            const id = journal.newId(Log.makeEntryIdUnsafe()) as Log.EntryId
            return entryOf({ id, ...entry })
          }),
        catch: (cause) => new Log.EventJournalError({ method: "writeMany", cause })
      }).pipe(
        Effect.flatMap((made) =>
          Effect.tap(restore(effect(made)), () => calling("writeMany", journal.write(made, writing)))
        )
      )
    )

  return {
    entries: calling("entries", journal.entries),
    entriesById: (ids) => calling("entriesById", journal.byId(ids)),
    write: ({ effect, ...entry }) => writeMany({ entries: [entry], effect: ([made]) => effect(made) }),
    writeMany,
    writeFromRemote: Effect.fnUntraced(function* ({ compact, effect, entries, remoteId }) {
      const { fresh, known } = yield* calling("writeFromRemote", journal.split(entries))
      const compacted = compact === undefined ? fresh.map(({ entry }) => entry) : yield* compact(fresh)
      if (fresh.length > 0 || compacted.length > 0) {
        const stored = yield* calling("writeFromRemote", mayConflict(journal, fresh, compacted))
        yield* rehearse(stored, { remoteId, entries: fresh, compact: () => Effect.succeed(compacted), effect })
      }
      yield* calling("writeFromRemote", journal.receive(remoteId, fresh, entries, writing))
      return { duplicateEntries: known.map(({ entry }) => entry) }
    }),
    withRemoteUncommited: (remoteId, f) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(calling("withRemoteUncommited", journal.missing(remoteId))), ({ entries, upTo }) =>
          Effect.tap(
            restore(Arr.isReadonlyArrayNonEmpty(entries) ? Effect.asSome(f(entries)) : Effect.succeedNone),
            () => calling("withRemoteUncommited", journal.uploaded(remoteId, upTo, writing))
          )
        )
      ),
    writeRemoteAcks: ({ acks, firstSequence = 0, remoteId }) =>
      calling(
        "writeRemoteAcks",
        journal.advance(remoteId, (next) => nextAfterAcks(Math.max(next, firstSequence), acks), writing)
      ),
    nextRemoteSequence: (remoteId) => calling("nextRemoteSequence", journal.next(remoteId)),
    changes: PubSub.subscribe(journal.changes),
    destroy: calling("destroy", journal.destroy(writing)),
    withLock: (storeId) => (effect) => Effect.suspend(() => lockOf(journal, storeId).withPermit(effect))
  }
}

/** The number after `next` and all acknowledgements that follow it without a gap. */
const nextAfterAcks = (next: number, acks: ReadonlyArray<Log.RemoteAck>): number => {
  const seen = new Set(acks.map(({ sequence }) => sequence))
  while (seen.has(next)) next++
  return next
}

/**
 * The stored entries that may conflict with a batch: those of its subjects after its first entry. What was
 * compacted stands for an entry of the batch, and has a later id.
 */
const mayConflict = Effect.fnUntraced(function* (
  journal: OpenJournal<Log.Entry>,
  fresh: ReadonlyArray<Log.RemoteEntry>,
  compacted: ReadonlyArray<Log.Entry>
) {
  const [oldest] = [...fresh.map(({ entry }) => entry.id), ...compacted.map(({ id }) => id)].sort(compare)
  if (oldest === undefined) return []
  const subjects = new Map(compacted.map((entry) => [JSON.stringify([entry.event, entry.primaryKey]), entry]))
  const found = yield* Effect.forEach(subjects.values(), (subject) => journal.after(subject, oldest))
  return found.flat()
})

/**
 * Runs the effect of a batch as the journal in memory would on these entries. Only that knows for which
 * entry one stands that was compacted.
 */
const rehearse = Effect.fnUntraced(function* (
  stored: ReadonlyArray<Log.Entry>,
  batch: Parameters<Log.EventJournal["Service"]["writeFromRemote"]>[0]
) {
  const memory = yield* Log.makeMemory
  const entries = stored.map((entry) => new Log.RemoteEntry({ remoteSequence: 0, entry }, { disableChecks: true }))
  // It warns of times to come, which was done when these entries came.
  yield* memory
    .writeFromRemote({ remoteId: batch.remoteId, entries, effect: () => Effect.void })
    .pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  yield* memory.writeFromRemote(batch)
})

const calling = <A>(method: string, call: Effect.Effect<A, unknown>) =>
  Effect.mapError(call, (cause) => new Log.EventJournalError({ method, cause }))
