/**
 * The feed of changes: what was written to a store, in order, live and as far back as it is kept.
 *
 * @since 3.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { toKeyRange } from "./internal/engine/engine.js"
import * as feed from "./internal/feed/changeFeed.js"
import { cut } from "./internal/feed/operations.js"
import type { Change, Entry, FeedError, OrderedStoreService, Range } from "./OrderedStore.js"

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
export const changes: typeof feed.changes = feed.changes

/**
 * Returns the position at which a snapshot stands: the changes after it are those that the snapshot does not
 * see. Syncs the log first, so that all that the snapshot sees is durable.
 *
 * @since 3.1.0
 * @category feeds
 */
export const positionOf: typeof feed.positionOf = feed.positionOf

/**
 * Streams the operations on one key, or on all keys that begin with a prefix, from now on. A range
 * deletion that covers the one key is a `Delete` of it.
 *
 * @since 3.1.0
 * @category feeds
 */
export const watch: typeof feed.watch = feed.watch

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
  feed.whenRun(() => {
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
