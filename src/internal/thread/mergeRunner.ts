import type { WorkerError } from "@effect/platform/WorkerError"
import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type { FileError } from "../../LsmError.js"
import * as SSTableStore from "../../SSTableStore.js"
import { type Modes, Storage, type StorageService } from "../../Storage.js"
import { fromTables } from "../../TableMerger.js"
import { type Merge, MergeRequest } from "./mergeMessages.js"

/** Merges with an SSTableStore that lives for one request and opens the input tables itself. */
const merge = (request: Merge): Effect.Effect<Schema.WithResult.Success<Merge>, FileError, Storage> =>
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

/**
 * The other side of `MergeThread`. It runs one request at a time, on a Storage with the modes of
 * the request.
 */
export const layer = <R>(
  storageWith: (modes: Modes) => Effect.Effect<StorageService, never, R>
): Layer.Layer<never, WorkerError, WorkerRunner.PlatformRunner | R> =>
  Layer.unwrapEffect(
    Effect.map(Effect.makeSemaphore(1), (underWay) =>
      WorkerRunner.layerSerialized(MergeRequest, {
        Merge: (request) =>
          merge(request).pipe(
            Effect.provideServiceEffect(Storage, storageWith(request.options)),
            underWay.withPermits(1)
          ),
        Settle: () => underWay.withPermits(1)(Effect.void)
      })
    )
  )
