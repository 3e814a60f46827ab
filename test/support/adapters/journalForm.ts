import * as EventJournal from "@effect/experimental/EventJournal"
import * as Effect from "effect/Effect"

export type Journal = Effect.Effect.Success<typeof EventJournal.makeMemory>

/** An entry in one form: the payload is a text. */
export interface Noted {
  readonly id: string
  readonly event: string
  readonly primaryKey: string
  readonly text: string
}

/** What a remote sends, and its number there. */
export type Remote = readonly [sequence: number, entry: EventJournal.Entry]

/** What the effect of an import was given: the texts of the entry and of its conflicts. */
export type Seen = readonly [text: string, conflicts: ReadonlyArray<string>]

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const textOf = (entry: EventJournal.Entry): string => decoder.decode(entry.payload)

const noted = (entry: EventJournal.Entry): Noted => ({
  id: entry.idString,
  event: entry.event,
  primaryKey: entry.primaryKey,
  text: textOf(entry)
})

/** An entry that another journal made at a time, in milliseconds since 1970. */
export const entryAt = (msecs: number, event: string, primaryKey: string, text = "") =>
  new EventJournal.Entry({
    id: EventJournal.makeEntryId({ msecs }),
    event,
    primaryKey,
    payload: encoder.encode(text)
  })

export const makeRemoteId = () => EventJournal.makeRemoteId()

export const remoteEntries = (remotes: ReadonlyArray<Remote>) =>
  remotes.map(([remoteSequence, entry]) => new EventJournal.RemoteEntry({ remoteSequence, entry }))

/** The error that caused it. */
export const causeOf = (error: EventJournal.EventJournalError): unknown => error.cause

/** What a journal does alike in both editions. */
export const formOf = (journal: Journal) => ({
  journal,
  entries: Effect.map(journal.entries, (all) => all.map(noted)),
  texts: Effect.map(journal.entries, (all) => all.map(textOf)),
  write: <A, E, R>(event: string, primaryKey: string, text: string, effect: (entry: Noted) => Effect.Effect<A, E, R>) =>
    journal.write({ event, primaryKey, payload: encoder.encode(text), effect: (entry) => effect(noted(entry)) }),
  note: (text: string, primaryKey = "key") =>
    journal.write({
      event: "Noted",
      primaryKey,
      payload: encoder.encode(text),
      effect: (entry) => Effect.succeed(entry)
    }),
  /** Imports entries with an effect that fails. */
  receiveFailing: (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>) =>
    Effect.asVoid(
      journal.writeFromRemote({
        remoteId,
        entries: remoteEntries(remotes),
        effect: () => Effect.fail(new EventJournal.EventJournalError({ method: "test", cause: "refused" }))
      })
    ),
  uploadFailing: (remoteId: EventJournal.RemoteId) =>
    Effect.flip(journal.withRemoteUncommited(remoteId, () => Effect.fail("refused"))),
  next: journal.nextRemoteSequence,
  destroy: journal.destroy
})
