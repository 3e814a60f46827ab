/**
 * The feed of changes: what was written to a store, in order, live and as far back as it is kept.
 *
 * @since 3.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { KeyRange } from "./core/cursor/visibleCursor.js"
import { arrayStream } from "./internal/effect/arrayStream.js"
import { type Access, accessOf } from "./internal/engine/access.js"
import { toBytes, toKeyRange, toReadError } from "./internal/engine/engine.js"
import { cut } from "./internal/feed/operations.js"
import { positionAt } from "./internal/feed/position.js"
import { changesOf, openReader } from "./internal/feed/readChanges.js"
import { InvalidArgument, type WriteError } from "./LsmError.js"
import type {
  Change,
  ChangesOptions,
  Entry,
  FeedError,
  Operation,
  OrderedStoreService,
  Range,
  Snapshot,
  Watched
} from "./OrderedStore.js"
import type { Store } from "./Store.js"

/**
 * Streams what is written to a store, in the order of the writes. It has each batch, each transaction and
 * each other write once, as a `Change`, as soon as it is durable, and leaves none out in between. What is
 * not durable yet is not there: a power cut takes back nothing that a reader has seen. Writes that
 * nobody syncs are synced within some 20 ms while a reader waits for them.
 *
 * Keep the `position` of the last change, and go on from there: after a restart too, in any process that
 * has the store open. That succeeds as long as the history is kept: see `changeRetention`. After that
 * it fails with `SequenceTooOld`. It fails with `FeedReset` after the store was restored from a
 * backup, made from a checkpoint, or salvaged or cut because of damage: its history is another one then.
 *
 * A reader holds one file open, and reads it at its own pace. It slows no writer, and keeps no file from
 * being removed.
 *
 * The Stream does not end. It fails with `StoreClosed` when the store is closed. With `prefix`, it has
 * now and then a change without operations, which only says how far it has come.
 *
 * @example
 * ```ts
 * import { Console, Effect, Stream } from "effect"
 * import { ChangeFeed, LsmStore } from "effect-lsm"
 *
 * const program = Effect.gen(function*() {
 *   const store = yield* LsmStore.LsmStore
 *   yield* store.put("a", "1")
 *   yield* ChangeFeed.changes(store, { from: "oldest" }).pipe(
 *     Stream.take(1),
 *     Stream.runForEach(({ position, operations }) => Console.log(position, operations))
 *   )
 * })
 * ```
 *
 * @since 3.1.0
 * @category feeds
 */
export const changes = (store: Store, options?: ChangesOptions): Stream.Stream<Change, FeedError> =>
  reading(() => changesIn(store, options?.from ?? "now", toKeyRange({ prefix: options?.prefix })))

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
const reading = <A>(make: () => Stream.Stream<A, FeedError>): Stream.Stream<A, FeedError> =>
  Stream.suspend(() => {
    try {
      return make()
    } catch (failure) {
      return Stream.fail(toReadError(failure))
    }
  })

/**
 * Returns the position at which a snapshot stands: the changes after it are those that the snapshot does not
 * see. Syncs the log first, so that all that the snapshot sees is durable.
 *
 * @since 3.1.0
 * @category feeds
 */
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

/**
 * Streams the operations on one key, or on all keys that begin with a prefix, from now on. A range
 * deletion that covers the one key is a `Delete` of it.
 *
 * @since 3.1.0
 * @category feeds
 */
export const watch = (store: Store, watched: Watched): Stream.Stream<Operation, FeedError> =>
  reading(() => {
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

/**
 * What `liveScan` emits: the rows of the range, then `Live` once, then each change to the range.
 * `Live` has the position of the rows.
 *
 * @since 3.1.0
 * @category models
 */
export type LiveEvent =
  | { readonly _tag: "Row"; readonly entry: Entry }
  | { readonly _tag: "Live"; readonly position: string }
  | { readonly _tag: "Changed"; readonly change: Change }

/**
 * Streams the rows of a range as of one moment, and then each change to the range after that moment. Who
 * applies all of it in order has the range as it is now. It rests on the contract alone, so it works with
 * every `OrderedStore`.
 *
 * The history must be kept for as long as the rows take to read: see `changeRetention`.
 *
 * @since 3.1.0
 * @category feeds
 */
export const liveScan = (store: OrderedStoreService, range: Range = {}): Stream.Stream<LiveEvent, FeedError> =>
  reading(() => {
    const bounds = toKeyRange(range)
    let begin = ""
    // The snapshot is released when the rows have been read.
    const rows = Stream.unwrapScoped(
      Effect.gen(function* () {
        const snapshot = yield* store.snapshot
        begin = yield* store.positionOf(snapshot)
        return Stream.map(snapshot.scan(range), (entry): LiveEvent => ({ _tag: "Row", entry }))
      })
    )
    const live = Stream.suspend(() =>
      Stream.concat(
        Stream.succeed<LiveEvent>({ _tag: "Live", position: begin }),
        Stream.flatMap(store.changes({ from: begin }), (change): Stream.Stream<LiveEvent> => {
          const operations = change.operations.flatMap((operation) => cut(operation, bounds) ?? [])
          const isOther = operations.length === 0 && change.operations.length > 0
          return isOther ? Stream.empty : Stream.succeed({ _tag: "Changed", change: { ...change, operations } })
        })
      )
    )
    return Stream.concat(rows, live)
  })
