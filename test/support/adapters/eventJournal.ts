import * as EventJournal from "@effect/experimental/EventJournal"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import { formOf, type Journal, type Remote, remoteEntries, type Seen, textOf } from "./journalForm.js"

export const { layerMemory } = EventJournal

/** Whether the memory layer of this edition does what the interface says. */
export const memoryIsExact = false

type Compact = Parameters<Journal["writeFromRemote"]>[0]["compact"]

/** The journal of this edition in one form, for tests that both editions share. */
export const open = Effect.map(EventJournal.EventJournal, (journal) => {
  const receiveBy = (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>, compact?: Compact) =>
    Effect.suspend(() => {
      const seen: Array<Seen> = []
      return Effect.as(
        journal.writeFromRemote({
          remoteId,
          entries: remoteEntries(remotes),
          compact,
          effect: ({ conflicts, entry }) => Effect.sync(() => void seen.push([textOf(entry), conflicts.map(textOf)]))
        }),
        seen
      )
    })
  return {
    ...formOf(journal),
    /** Imports entries, and returns what the effect was given. */
    receive: (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>) => receiveBy(remoteId, remotes),
    /** Imports entries of which only the last of each primary key is seen by the effect. */
    receiveCompacted: (remoteId: EventJournal.RemoteId, remotes: ReadonlyArray<Remote>) =>
      receiveBy(remoteId, remotes, (uncommitted) => {
        const last = new Map(uncommitted.map(({ entry }) => [entry.primaryKey, entry]))
        return Effect.succeed([[[...last.values()], uncommitted]])
      }),
    /** What a remote is to get. */
    upload: (remoteId: EventJournal.RemoteId) =>
      journal.withRemoteUncommited(remoteId, (entries) => Effect.succeed(entries.map(textOf))),
    /** An Effect that returns what was written since. */
    changes: Effect.map(journal.changes, (queue) => Effect.map(Queue.takeAll(queue), (all) => [...all].map(textOf)))
  }
})
