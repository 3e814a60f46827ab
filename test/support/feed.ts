import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { OrderedStore, OrderedStoreError, Store } from "effect-lsm"
import { text } from "./bytes.js"

/** What a reader of the feed knows of a store: its entries, and where it is. */
export interface View {
  readonly entries: Map<string, string>
  position: string
}

/** Applies a change to a view. Values that expire are entries like others. */
export const applyChange = ({ entries }: View, { operations }: OrderedStore.Change): void => {
  for (const operation of operations) {
    if (operation._tag === "Put") entries.set(text(operation.key), text(operation.value))
    else if (operation._tag === "Delete") entries.delete(text(operation.key))
    else {
      for (const key of [...entries.keys()]) {
        const bytes = Buffer.from(key)
        const isInRange =
          Buffer.compare(bytes, operation.start) >= 0 &&
          (operation.end === undefined || Buffer.compare(bytes, operation.end) < 0)
        if (isInRange) entries.delete(key)
      }
    }
  }
}

/** The position that the store is at now, with everything before it durable. */
export const positionNow = (store: Store.Store) =>
  Effect.scoped(Effect.flatMap(store.snapshot, (snapshot) => store.positionOf(snapshot)))

const sequenceOf = (position: string): number => Number(position.slice(position.lastIndexOf("-") + 1))

/** The changes from a place up to what the store has now. */
export const changesUntilNow = (
  store: Store.Store,
  options: OrderedStore.ChangesOptions
): Effect.Effect<Array<OrderedStore.Change>, OrderedStore.FeedError> =>
  Effect.gen(function* () {
    const end = sequenceOf(yield* positionNow(store))
    const found: Array<OrderedStore.Change> = []
    const from = options.from ?? "oldest"
    if (end === 0 || (from !== "oldest" && sequenceOf(from) >= end)) return found
    yield* store.changes({ ...options, from }).pipe(
      Stream.takeUntil(({ position }) => sequenceOf(position) >= end),
      Stream.runForEach((change) => Effect.sync(() => found.push(change)))
    )
    return found
  })

/** The content of a store by its whole history. */
export const replayed = (
  store: Store.Store
): Effect.Effect<Map<string, string>, OrderedStore.FeedError | OrderedStoreError.FeedReset> =>
  Effect.map(changesUntilNow(store, { from: "oldest" }), (changes) => {
    const view: View = { entries: new Map(), position: "" }
    for (const change of changes) applyChange(view, change)
    return view.entries
  })
