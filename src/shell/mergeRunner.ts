import type { WorkerError } from "@effect/platform/WorkerError"
import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SSTableStore from "../SSTableStore.js"
import type { Storage } from "../Storage.js"
import { fromTables } from "../TableMerger.js"
import { type Merge, MergeRequest } from "./mergeMessages.js"

/** Merges as a store does it in its own thread, by an SSTableStore that is made for this request and opens the tables anew. */
const merge = (request: Merge) =>
  Effect.gen(function* () {
    const tables = yield* Effect.orDie(
      SSTableStore.make({ ...request.options, blockCacheBytes: 0, entryCacheBytes: 0 })
    )
    tables.unsafeAttach(request.storeId)
    const numbers = request.fileNumbers.values()
    const allocate = (): number => {
      const { value } = numbers.next()
      if (value === undefined) throw new Error("more tables than were foreseen")
      return value
    }
    return yield* fromTables(tables).merge({ ...request, allocate })
  }).pipe(Effect.scoped)

/** The far side of `MergeThread`: carries out one request at a time. */
export const layer: Layer.Layer<never, WorkerError, WorkerRunner.PlatformRunner | Storage> = Layer.unwrapEffect(
  Effect.map(Effect.makeSemaphore(1), (underWay) =>
    WorkerRunner.layerSerialized(MergeRequest, {
      Merge: (request) => underWay.withPermits(1)(merge(request)),
      Settle: () => underWay.withPermits(1)(Effect.void)
    })
  )
)
