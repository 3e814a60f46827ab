import * as Effect from "effect/Effect"
import * as EventJournal from "effect/eventlog/EventJournal"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"

export { EventJournal }
export const { layerMemory } = EventJournal

/** What the memory layer of this edition does otherwise. */
export const memoryIsExact = true

/** An entry in one form: the payload is a text. */
export interface Noted {
  readonly id: string
  readonly event: string
  readonly primaryKey: string
  readonly text: string
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const textOf = (entry: EventJournal.Entry) => decoder.decode(entry.payload)
const noted = (entry: EventJournal.Entry): Noted => {
  const { event, idString, primaryKey } = entry
  return { id: idString, event, primaryKey, text: textOf(entry) }
}

/** An entry that another journal made at a time, in milliseconds since 1970. */
export const entryAt = (msecs: number, event: string, primaryKey: string, text = "") => {
  const id = EventJournal.makeEntryIdUnsafe({ msecs })
  return new EventJournal.Entry({ id, event, primaryKey, payload: encoder.encode(text) })
}

export const makeRemoteId = EventJournal.makeRemoteIdUnsafe

export type Remote = readonly [sequence: number, entry: EventJournal.Entry]

/** What the effect of an import was given: the texts of the entry and of its conflicts. */
export type Seen = readonly [text: string, conflicts: ReadonlyArray<string>]

type Import = Parameters<EventJournal.EventJournal["Service"]["writeFromRemote"]>[0]

/** The journal of this edition in one form, for tests that both editions share. */
export const open = Effect.gen(function* () {
  const journal = yield* EventJournal.EventJournal
  const receiveBy = Effect.fnUntraced(function* (
    remoteId: EventJournal.RemoteId,
    remotes: ReadonlyArray<Remote>,
    compact?: Import["compact"]
  ) {
    const seen: Array<Seen> = []
    const { duplicateEntries } = yield* journal.writeFromRemote({
      remoteId,
      entries: remotes.map(([remoteSequence, entry]) => new EventJournal.RemoteEntry({ remoteSequence, entry })),
      compact,
      effect: (batch) =>
        Effect.sync(() => {
          for (const { conflicts, entry } of batch) seen.push([textOf(entry), conflicts.map(textOf)])
        })
    })
    return { seen, duplicates: duplicateEntries.map(textOf) }
  })
  return {
    journal,
    receiveBy,
    entries: Effect.map(journal.entries, (all) => all.map(noted)),
    texts: Effect.map(journal.entries, (all) => all.map(textOf)),
    write: <A, E, R>(
      event: string,
      primaryKey: string,
      text: string,
      effect: (entry: Noted) => Effect.Effect<A, E, R>
    ) => {
      const payload = encoder.encode(text)
      return journal.write({ event, primaryKey, payload, effect: (entry) => effect(noted(entry)) })
    },
    note: (text: string, primaryKey = "key") => {
      const payload = encoder.encode(text)
      return journal.write({ event: "Noted", primaryKey, payload, effect: Effect.succeed })
    },
    /** Imports entries, and returns what the effect was given. */
    receive: (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>) =>
      Effect.map(receiveBy(remoteId, remotes), ({ seen }) => seen),
    /** Imports entries of which only the last of each primary key is seen by the effect. */
    receiveCompacted: (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>) =>
      Effect.map(
        receiveBy(remoteId, remotes, (uncommitted) =>
          Effect.sync(() => [...new Map(uncommitted.map(({ entry }) => [entry.primaryKey, entry])).values()])
        ),
        ({ seen }) => seen
      ),
    /** Imports entries with an effect that fails. */
    receiveFailing: (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>) => {
      const entries = remotes.map(([remoteSequence, entry]) => new EventJournal.RemoteEntry({ remoteSequence, entry }))
      const error = new EventJournal.EventJournalError({ method: "test", cause: "refused" })
      return Effect.asVoid(journal.writeFromRemote({ remoteId, entries, effect: () => Effect.fail(error) }))
    },
    /** What a remote is to get. */
    upload: (remoteId: EventJournal.RemoteId) =>
      Effect.map(
        journal.withRemoteUncommited(remoteId, (entries) => Effect.succeed(entries.map(textOf))),
        Option.getOrElse((): Array<string> => [])
      ),
    uploadFailing: (remoteId: EventJournal.RemoteId) =>
      Effect.flip(journal.withRemoteUncommited(remoteId, () => Effect.fail("refused"))),
    next: journal.nextRemoteSequence,
    /** A function that returns what was written since. */
    changes: Effect.map(journal.changes, (subscription) =>
      Effect.map(PubSub.takeUpTo(subscription, Number.POSITIVE_INFINITY), (all) => all.map(textOf))
    ),
    destroy: journal.destroy
  }
})

/** The error that caused it. */
export const causeOf = (error: EventJournal.EventJournalError): unknown => error.cause
