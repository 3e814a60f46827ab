/**
 * The `EventJournal` of `@effect/experimental` on an ordered store: the journal of an `EventLog` that
 * outlives the process.
 *
 * @since 3.1.0
 */
import * as Experimental from "@effect/experimental/EventJournal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import { defaultName, nameFault } from "./internal/adapters/instanceName.js"
import { Journals } from "./internal/adapters/journal/journals.js"
import type { OpenJournal } from "./internal/adapters/journal/openJournal.js"
import type { InvalidArgument } from "./LsmError.js"
import type { Durability } from "./LsmOptions.js"
import { OrderedStore, type WriteOptions } from "./OrderedStore.js"

/**
 * Options of a journal.
 *
 * @since 3.1.0
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
 * `entries` returns them in the order of their ids, which are those of their times. The id of an entry
 * that is written here is greater than all ids in the journal, also if the clock was set back.
 *
 * `write` runs the effect, then commits the entry, then publishes it. Nothing is committed if the effect
 * fails or is interrupted. If the process ends in between, the effect has run and there is no entry, so
 * what it does must bear to be done again.
 *
 * `writeFromRemote` commits the entries of a bracket together, after its effects, and at the end what was
 * seen of the remote. An entry that the journal has, or that came twice, is left out. Conflicts are the
 * entries with the same event and primary key whose ids are greater, in the order of their ids.
 *
 * `withRemoteUncommited` gives the entries that the remote did not send, and that no earlier call which
 * succeeded has given it: those of other remotes too. They are given at least once. `nextRemoteSequence`
 * is the first number that was not seen: 0, or one more than the greatest.
 *
 * Every failure is an `EventJournalError`, whose `cause` is the error of the store: `InvalidArgument` for
 * an event or a primary key with a lone surrogate, `LimitExceeded` for those whose key would be longer
 * than the store allows.
 *
 * The memory layer of `@effect/experimental` differs: it does not know again what a remote has sent,
 * leaves out the first conflict, does not pass on what came from another remote, and returns the greatest
 * number that was seen instead of the next one. Its other backends agree with this one.
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<Experimental.EventJournal["Type"], InvalidArgument | Experimental.EventJournalError, OrderedStore> =>
  Effect.gen(function* () {
    const { durability, name = defaultName } = options
    const fault = nameFault(name)
    if (fault !== undefined) return yield* Effect.fail(fault)
    const store = yield* OrderedStore
    return yield* Effect.map(mapError("open", journals.open(store, name)), (journal) =>
      fromJournal(journal, { durability })
    )
  })

/**
 * A layer of `make`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<Experimental.EventJournal, InvalidArgument | Experimental.EventJournalError, OrderedStore> =>
  Layer.effect(Experimental.EventJournal, make(options))

const unchecked = { disableValidation: true }

const journals = new Journals<Experimental.Entry>(
  ({ event, id, payload, primaryKey }) =>
    new Experimental.Entry({ id: id as Experimental.EntryId, event, primaryKey, payload }, unchecked)
)

const fromJournal = (
  journal: OpenJournal<Experimental.Entry>,
  writing: WriteOptions
): Experimental.EventJournal["Type"] =>
  Experimental.EventJournal.of({
    entries: mapError("entries", journal.entries),
    write: ({ effect, ...event }) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          const id = journal.newId(Experimental.makeEntryId()) as Experimental.EntryId
          const entry = new Experimental.Entry({ id, ...event }, unchecked)
          return Effect.zipLeft(restore(effect(entry)), mapError("write", journal.write([entry], writing)))
        })
      ),
    writeFromRemote: ({ compact, effect, entries, remoteId }) =>
      Effect.gen(function* () {
        const { fresh } = yield* mapError("writeFromRemote", journal.split(entries))
        const brackets =
          compact === undefined ? [[fresh.map(({ entry }) => entry), fresh] as const] : yield* compact(fresh)
        for (const [compacted, received] of brackets) {
          for (const entry of compacted) {
            const conflicts = yield* mapError("writeFromRemote", journal.after(entry, entry.id))
            yield* effect({ entry, conflicts })
          }
          yield* mapError("writeFromRemote", journal.receive(remoteId, received, [], writing))
        }
        // At the end: brackets may be out of the remote's order, and what was not seen is sent again.
        yield* mapError("writeFromRemote", journal.receive(remoteId, [], entries, writing))
      }),
    withRemoteUncommited: (remoteId, f) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(mapError("withRemoteUncommited", journal.missing(remoteId))), ({ entries, upTo }) =>
          Effect.zipLeft(
            restore(f(entries)),
            mapError("withRemoteUncommited", journal.uploaded(remoteId, upTo, writing))
          )
        )
      ),
    nextRemoteSequence: (remoteId) => mapError("nextRemoteSequence", journal.next(remoteId)),
    changes: PubSub.subscribe(journal.changes),
    destroy: mapError("destroy", journal.destroy(writing))
  })

const mapError = <A>(method: string, effect: Effect.Effect<A, unknown>) =>
  Effect.mapError(effect, (cause) => new Experimental.EventJournalError({ method, cause }))
