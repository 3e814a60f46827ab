import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { ForeignValue } from "../../../core/adapters/foreignValue.js"
import { fromJson } from "../../../core/adapters/jsonValue.js"
import { QueueKeys } from "../../../core/adapters/queue/queueKeys.js"
import { fromRecordBytes } from "../../../core/adapters/queue/queueRecord.js"
import { adapterPrefix, adapterRange } from "../../../core/adapters/reservations.js"
import { remove, type Write } from "../../../core/adapters/write.js"
import { decodeFirst } from "../../../core/keys/decodeTuple.js"
import type { OrderedStoreService, WriteOptions } from "../../../OrderedStore.js"
import { reading } from "../attempt.js"
import { batchOf } from "../batchOf.js"
import type { QueueReadError, QueueWriteError } from "./openQueue.js"

/** Times in milliseconds since 1970. What is as old as that, or older, is removed. */
export interface Cutoffs {
  readonly completed: number
  /** Undefined if elements that failed are kept. */
  readonly failed: number | undefined
}

/** The names of the queues of an instance. Passes over the elements of a queue without reading them. */
const namesOf = (store: OrderedStoreService, instance: string): Effect.Effect<Array<string>, QueueReadError> => {
  const { end, start } = adapterRange("queue", instance)
  const { length } = adapterPrefix("queue", instance)
  const names: Array<string> = []
  const after = (from: Uint8Array): Effect.Effect<Array<string>, QueueReadError> =>
    Effect.flatMap(store.collect({ start: from, end, limit: 1 }), ([entry]) => {
      if (entry === undefined) return Effect.succeed(names)
      const name = decodeFirst(entry.key, length)
      if (typeof name !== "string") return Effect.fail(new ForeignValue("a queue has no name"))
      names.push(name)
      return after(adapterRange("queue", instance, name).end)
    })
  return after(start)
}

/** Removes what is old of all queues of an instance, in parts. */
export const cleanUp = (
  store: OrderedStoreService,
  instance: string,
  { completed, failed }: Cutoffs,
  options: WriteOptions
): Effect.Effect<void, QueueWriteError> => {
  const removeFrom = (
    range: { readonly start: Uint8Array; readonly end: Uint8Array },
    removals: (key: Uint8Array, value: Uint8Array) => ReadonlyArray<Write>
  ) =>
    Stream.runForEachArray(store.scan(range), (entries) =>
      Effect.flatMap(
        reading(() => batchOf(entries.flatMap(({ key, value }) => removals(key, value)))),
        (batch) => store.write(batch, options)
      )
    )
  return Effect.flatMap(namesOf(store, instance), (names) =>
    Effect.forEach(
      names,
      (name) => {
        const keys = new QueueKeys(instance, name)
        const ids = removeFrom(keys.allIds, (key, value) => {
          const completedAt = fromJson(value)
          return typeof completedAt === "number" && completedAt <= completed ? [remove(key)] : []
        })
        if (failed === undefined) return ids
        const failures = removeFrom(keys.allFailed, (key, value) => {
          const { failedAt, id, isCustomId } = fromRecordBytes(value)
          if (failedAt > failed) return []
          return isCustomId ? [remove(key), remove(keys.id(id))] : [remove(key)]
        })
        return Effect.andThen(ids, failures)
      },
      { discard: true }
    )
  )
}
