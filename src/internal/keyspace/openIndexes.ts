import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { decodeTuple } from "../../core/keys/decodeTuple.js"
import type { KeyElement } from "../../core/keys/element.js"
import { encodeTuple } from "../../core/keys/encodeTuple.js"
import type { DecodeFailed } from "../../KeyspaceError.js"
import { InvalidArgument } from "../../LsmError.js"
import type { OrderedStoreService, Transaction, WriteError } from "../../OrderedStore.js"
import type { Directory, IndexState, Slot } from "./directory.js"
import type { OpenIndex } from "./indexEntries.js"
import type { Index } from "./indexModels.js"
import { indexKey } from "./reserved.js"
import { wholeOf } from "./rowVersions.js"
import { untilWritten } from "./untilWritten.js"

type Failure = WriteError | DecodeFailed

/**
 * Opens the indexes of a keyspace. One that is new, or of another version than before, is made. It is
 * ready at once if the keyspace is empty. An index that the keyspace has must be given: a write without
 * it would leave it wrong.
 */
export const openIndexes = <K, V>(
  store: OrderedStoreService,
  directory: Directory,
  name: string,
  slot: Slot,
  indexes: ReadonlyArray<Index<K, V, unknown>>
): Effect.Effect<ReadonlyArray<OpenIndex<K, V>>, Failure> =>
  directory.indexing.withPermits(1)(
    Effect.gen(function* () {
      const states = slot.indexes ?? (yield* statesOf(store, directory, name))
      slot.indexes = states
      const missing = [...states.keys()].find((known) => indexes.every((index) => index.name !== known))
      if (missing !== undefined) {
        const reason = `leave out "${missing}", which the keyspace "${name}" has; give it, or drop it with dropIndex`
        return yield* Effect.fail(new InvalidArgument({ argument: "indexes", reason }))
      }
      const open: Array<OpenIndex<K, V>> = []
      for (const index of indexes) {
        const { codec } = index
        if (codec instanceof InvalidArgument) return yield* Effect.fail(codec)
        const known = states.get(index.name)
        const state =
          known?.version === index.version ? known : yield* register(store, directory, name, slot, states, index)
        open.push({ index, codec, state })
      }
      return open
    })
  )

/** The indexes that the directory knows. */
const statesOf = (
  store: OrderedStoreService,
  directory: Directory,
  name: string
): Effect.Effect<Map<string, IndexState>, Failure> =>
  Effect.gen(function* () {
    const states = new Map<string, IndexState>()
    for (const index of yield* directory.indexesOf(name)) {
      const slot = yield* directory.openIndex(name, index)
      states.set(index, stateIn(slot, yield* store.get(indexKey(slot.id))))
    }
    return states
  })

const register = <K, V>(
  store: OrderedStoreService,
  directory: Directory,
  name: string,
  rows: Slot,
  states: Map<string, IndexState>,
  index: Index<K, V, unknown>
): Effect.Effect<IndexState, Failure> =>
  Effect.gen(function* () {
    const slot = yield* directory.openIndex(name, index.name)
    const state: IndexState = { slot, version: index.version, isReady: false, position: undefined }
    // From here on, those who have the keyspace open without the index write no more.
    states.set(index.name, state)
    state.isReady = yield* untilWritten(
      store.transact((tx) =>
        Effect.gen(function* () {
          yield* tx.deleteRange(wholeOf(slot))
          const isEmpty = (yield* tx.collect({ ...wholeOf(rows), limit: 1 })).length === 0
          yield* tx.put(indexKey(slot.id), stateBytes(index.version, isEmpty, undefined))
          return isEmpty
        })
      )
    )
    return state
  })

/** Records how far the building of an index is. */
export const recordState = (tx: Transaction, { slot, version }: IndexState, isReady: boolean, position: Uint8Array) =>
  tx.put(indexKey(slot.id), stateBytes(version, isReady, isReady ? undefined : position))

const stateBytes = (version: number, isReady: boolean, position: Uint8Array | undefined): Uint8Array =>
  encodeTuple([version, isReady, position ?? null])

/** An index whose state cannot be read is made anew: no index has this version. */
const unknownVersion = -1

const stateIn = (slot: Slot, stored: Option.Option<Uint8Array>): IndexState => {
  const [version, isReady, position] = Option.isSome(stored) ? elementsOf(stored.value) : []
  return {
    slot,
    version: typeof version === "number" ? version : unknownVersion,
    isReady: isReady === true,
    position: position instanceof Uint8Array ? position : undefined
  }
}

const elementsOf = (bytes: Uint8Array): ReadonlyArray<KeyElement> => {
  try {
    return decodeTuple(bytes, 0)
  } catch {
    return []
  }
}
