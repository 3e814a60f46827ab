import * as EventJournal from "@effect/experimental/EventJournal"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"

export { EventJournal }
export const { layerMemory } = EventJournal

/** What the memory layer of this edition does otherwise. */
export const memoryIsExact = false

/** An entry in one form: the payload is a text. */
export interface Noted {
  readonly id: string
  readonly event: string
  readonly primaryKey: string
  readonly text: string
}

const decoder = new TextDecoder()
const noted = (entry: EventJournal.Entry): Noted => ({
  id: entry.idString,
  event: entry.event,
  primaryKey: entry.primaryKey,
  text: decoder.decode(entry.payload)
})

const encoder = new TextEncoder()

/** An entry that another journal made at a time, in milliseconds since 1970. */
export const entryAt = (msecs: number, event: string, primaryKey: string, text = "") =>
  new EventJournal.Entry({
    id: EventJournal.makeEntryId({ msecs }),
    event,
    primaryKey,
    payload: encoder.encode(text)
  })

export const makeRemoteId = () => EventJournal.makeRemoteId()

export type Remote = readonly [sequence: number, entry: EventJournal.Entry]

/** What the effect of an import was given: the texts of the entry and of its conflicts. */
export type Seen = readonly [text: string, conflicts: ReadonlyArray<string>]

const textOf = ({ payload }: EventJournal.Entry) => decoder.decode(payload)

/** The journal of this edition in one form, for tests that both editions share. */
export const open = Effect.gen(function* () {
  const journal = yield* EventJournal.EventJournal
  return {
    journal,
    entries: Effect.map(journal.entries, (all) => all.map(noted)),
    texts: Effect.map(journal.entries, (all) => all.map(textOf)),
    write: <A, E, R>(
      event: string,
      primaryKey: string,
      text: string,
      effect: (entry: Noted) => Effect.Effect<A, E, R>
    ) => journal.write({ event, primaryKey, payload: encoder.encode(text), effect: (entry) => effect(noted(entry)) }),
    note: (text: string, primaryKey = "key") =>
      journal.write({
        event: "Noted",
        primaryKey,
        payload: encoder.encode(text),
        effect: (entry) => Effect.succeed(entry)
      }),
    /** Imports entries, and returns what the effect was given. */
    receive: (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>) =>
      Effect.gen(function* () {
        const seen: Array<Seen> = []
        yield* journal.writeFromRemote({
          remoteId,
          entries: remotes.map(([remoteSequence, entry]) => new EventJournal.RemoteEntry({ remoteSequence, entry })),
          effect: ({ conflicts, entry }) => Effect.sync(() => void seen.push([textOf(entry), conflicts.map(textOf)]))
        })
        return seen
      }),
    /** Imports entries of which only the last of each primary key is seen by the effect. */
    receiveCompacted: (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>) =>
      Effect.gen(function* () {
        const seen: Array<Seen> = []
        yield* journal.writeFromRemote({
          remoteId,
          entries: remotes.map(([remoteSequence, entry]) => new EventJournal.RemoteEntry({ remoteSequence, entry })),
          compact: (uncommitted) =>
            Effect.sync(() => {
              const last = new Map(uncommitted.map(({ entry }) => [entry.primaryKey, entry]))
              return [[[...last.values()], uncommitted]]
            }),
          effect: ({ conflicts, entry }) => Effect.sync(() => void seen.push([textOf(entry), conflicts.map(textOf)]))
        })
        return seen
      }),
    /** Imports entries with an effect that fails. */
    receiveFailing: (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>) =>
      journal.writeFromRemote({
        remoteId,
        entries: remotes.map(([remoteSequence, entry]) => new EventJournal.RemoteEntry({ remoteSequence, entry })),
        effect: () => Effect.fail(new EventJournal.EventJournalError({ method: "test", cause: "refused" }))
      }),
    /** What a remote is to get. */
    upload: (remoteId: EventJournal.RemoteId) =>
      journal.withRemoteUncommited(remoteId, (entries) => Effect.succeed(entries.map(textOf))),
    uploadFailing: (remoteId: EventJournal.RemoteId) =>
      Effect.flip(journal.withRemoteUncommited(remoteId, () => Effect.fail("refused"))),
    next: journal.nextRemoteSequence,
    /** A function that returns what was written since. */
    changes: Effect.map(journal.changes, (queue) => Effect.map(Queue.takeAll(queue), (all) => [...all].map(textOf))),
    destroy: journal.destroy
  }
})

/** The error that caused it. */
export const causeOf = (error: EventJournal.EventJournalError): unknown => error.cause
