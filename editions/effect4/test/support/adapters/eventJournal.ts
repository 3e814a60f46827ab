import * as Effect from "effect/Effect"
import * as EventJournal from "effect/eventlog/EventJournal"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import { formOf, type Journal, type Remote, remoteEntries, type Seen, textOf } from "./journalForm.js"

export const { layerMemory } = EventJournal

/** Whether the memory layer of this edition does what the interface says. */
export const memoryIsExact = true

type Import = Parameters<Journal["writeFromRemote"]>[0]

/** The journal of this edition in one form, for tests that both editions share. */
export const open = Effect.gen(function* () {
  const journal = yield* EventJournal.EventJournal
  const receiveBy = Effect.fnUntraced(function* (
    remoteId: EventJournal.RemoteId,
    remotes: ReadonlyArray<Remote>,
    compact?: Import["compact"]
  ) {
    const seen: Array<Seen> = []
    const entries = remoteEntries(remotes)
    const { duplicateEntries } = yield* journal.writeFromRemote({
      ...{ remoteId, entries, compact },
      effect: (batch) =>
        Effect.sync(() => {
          for (const { conflicts, entry } of batch) seen.push([textOf(entry), conflicts.map(textOf)])
        })
    })
    return { seen, duplicates: duplicateEntries.map(textOf) }
  })
  return {
    ...formOf(journal),
    receiveBy,
    receive: (...sent: readonly [EventJournal.RemoteId, ReadonlyArray<Remote>]) =>
      Effect.map(receiveBy(...sent), ({ seen }) => seen),
    receiveCompacted: (...sent: readonly [EventJournal.RemoteId, ReadonlyArray<Remote>]) =>
      Effect.map(
        receiveBy(...sent, (uncommitted) =>
          Effect.sync(() => [...new Map(uncommitted.map(({ entry }) => [entry.primaryKey, entry])).values()])
        ),
        ({ seen }) => seen
      ),
    upload: (remoteId: EventJournal.RemoteId) =>
      Effect.map(
        journal.withRemoteUncommited(remoteId, (entries) => Effect.succeed(entries.map(textOf))),
        Option.getOrElse((): Array<string> => [])
      ),
    changes: Effect.map(journal.changes, (subscription) =>
      Effect.map(PubSub.takeUpTo(subscription, Number.POSITIVE_INFINITY), (all) => all.map(textOf))
    )
  }
})
