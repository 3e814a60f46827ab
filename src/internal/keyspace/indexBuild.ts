import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { KeyspaceError } from "../../KeyspaceError.js"
import type { Entry, OrderedStoreService, WriteError } from "../../OrderedStore.js"
import { arrayStream } from "../effect/arrayStream.js"
import { attempt } from "./attempt.js"
import type { Slot } from "./directory.js"
import { entryOf, type OpenIndex } from "./indexEntries.js"
import { putEntry } from "./indexedWrites.js"
import type { IndexProgress } from "./indexModels.js"
import type { Row } from "./models.js"
import { recordState } from "./openIndexes.js"
import { restAfter } from "./rowRange.js"
import { wholeOf } from "./rowVersions.js"
import { untilWritten } from "./untilWritten.js"

/** What building needs of a keyspace. */
export interface Buildable<K, V> {
  readonly name: string
  readonly store: OrderedStoreService
  readonly slot: Slot
  readonly indexes: ReadonlyArray<OpenIndex<K, V>>
  readonly decode: (entries: ReadonlyArray<Entry>) => Effect.Effect<Array<Row<K, V>>, KeyspaceError>
}

/**
 * Builds the indexes that are not ready, a batch of rows at a time. Each batch is a transaction with
 * the place that the building has come to, so it goes on from there after a crash, and other writers
 * keep the index right meanwhile.
 */
export const buildIndexes = <K, V>(
  keyspace: Buildable<K, V>,
  batchSize: number
): Stream.Stream<IndexProgress, WriteError | KeyspaceError> =>
  arrayStream(
    Effect.succeed({ rows: 0 }),
    (progress) => {
      const due = () => keyspace.indexes.find(({ state }) => !state.isReady)
      const next = Effect.suspend(() => {
        const open = due()
        if (open === undefined) return Effect.succeed([])
        return Effect.map(buildOnce(keyspace, open, batchSize), (count): Array<IndexProgress> => {
          const rows = progress.rows + count
          const { isReady: isDone } = open.state
          progress.rows = isDone ? 0 : rows
          return [{ index: open.index.name, rows, isDone }]
        })
      })
      return { next, hasMore: () => due() !== undefined }
    },
    () => undefined
  )

/** Returns how many rows were read. */
const buildOnce = <K, V>(
  { decode, name, slot, store }: Buildable<K, V>,
  open: OpenIndex<K, V>,
  batchSize: number
): Effect.Effect<number, WriteError | KeyspaceError> =>
  Effect.suspend(() => {
    const { state } = open
    const { position } = state
    const whole = wholeOf(slot)
    const range = position === undefined ? whole : restAfter(whole, position, false)
    const batch = store.transact((tx) =>
      Effect.gen(function* () {
        const entries = yield* tx.collect({ ...range, limit: batchSize })
        const rows = yield* decode(entries)
        for (const [i, { key, value }] of rows.entries()) {
          const row = entries[i]!.key.slice(slot.prefix.length)
          const entry = yield* attempt(() => Effect.succeed(entryOf(open, row, key, value)))
          if (entry !== undefined) yield* putEntry(name, tx, open, entry)
        }
        const last = entries.at(-1)?.key ?? slot.prefix
        const isReady = entries.length < batchSize
        yield* recordState(tx, state, isReady, last)
        return { last, isReady, count: entries.length }
      })
    )
    return Effect.map(untilWritten(batch), ({ count, isReady, last }) => {
      state.isReady = isReady
      state.position = last
      return count
    })
  })
