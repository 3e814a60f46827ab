import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { KeyRange } from "../../core/cursor/visibleCursor.js"
import { InvalidArgument, type WriteError } from "../../LsmError.js"
import type { Change, ChangesOptions, FeedError, Operation, Snapshot, Watched } from "../../OrderedStore.js"
import type { Store } from "../../Store.js"
import { arrayStream } from "../effect/arrayStream.js"
import { type Access, accessOf } from "../engine/access.js"
import { toBytes, toKeyRange, toReadError } from "../engine/engine.js"
import { positionAt } from "./position.js"
import { changesOf, openReader } from "./readChanges.js"

/** See `ChangeFeed.changes`. */
export const changes = (store: Store, options?: ChangesOptions): Stream.Stream<Change, FeedError> =>
  whenRun(() => changesIn(store, options?.from ?? "now", toKeyRange({ prefix: options?.prefix })))

const changesIn = (store: Store, from: string, range: KeyRange): Stream.Stream<Change, FeedError> => {
  const access = accessOf(store)
  if (access === undefined) return Stream.fail(notOurs)
  const { engine } = access
  return arrayStream(
    openReader(engine, from),
    (reader) => changesOf(engine, reader, range),
    (reader) => reader.close()
  )
}

const notOurs = new InvalidArgument({ argument: "store", reason: "was not made by this library" })

/** A Stream whose arguments are checked when it runs. */
export const whenRun = <A>(make: () => Stream.Stream<A, FeedError>): Stream.Stream<A, FeedError> =>
  Stream.suspend(() => {
    try {
      return make()
    } catch (failure) {
      return Stream.fail(toReadError(failure))
    }
  })

/** See `ChangeFeed.positionOf`. */
export const positionOf = (store: Store, snapshot: Snapshot): Effect.Effect<string, WriteError> =>
  Effect.suspend(() => {
    const access = accessOf(store)
    return access === undefined ? Effect.fail(notOurs) : positionIn(access, snapshot)
  })

const positionIn = ({ engine }: Access, snapshot: Snapshot): Effect.Effect<string, WriteError> =>
  Effect.flatMap(
    engine.read(() => engine.sequenceFor({ snapshot })),
    (sequence) => {
      const { readOnly } = engine.parts.settings
      const synced = engine.isActive && !readOnly ? engine.parts.wal.sync : Effect.void
      return Effect.map(synced, () => positionAt(engine, sequence))
    }
  )

/** See `ChangeFeed.watch`. */
export const watch = (store: Store, watched: Watched): Stream.Stream<Operation, FeedError> =>
  whenRun(() => {
    const { key, prefix } = watched
    if ((key === undefined) === (prefix === undefined)) {
      return Stream.fail(new InvalidArgument({ argument: "watched", reason: "must have either a key or a prefix" }))
    }
    if (key === undefined) return operationsOf(changesIn(store, "now", toKeyRange({ prefix })))
    const start = toBytes(key, "key").slice()
    const end = new Uint8Array(start.length + 1)
    end.set(start)
    const operations = operationsOf(changesIn(store, "now", { start, end }))
    return Stream.map(operations, (operation) =>
      operation._tag === "DeleteRange" ? { _tag: "Delete", key: start.slice(), version: operation.version } : operation
    )
  })

const operationsOf = (feed: Stream.Stream<Change, FeedError>): Stream.Stream<Operation, FeedError> =>
  Stream.flatMap(feed, ({ operations }) => Stream.fromIterable(operations))
