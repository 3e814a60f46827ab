import type { WorkerError } from "@effect/platform/WorkerError"
import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as Effect from "effect/Effect"
import { type Modes, Storage, type StorageService } from "../../Storage.js"
import { Request } from "./mergeProtocol.js"
import { runMerge } from "./runMerge.js"

/**
 * The other side of `MergeThread`, until the store ends the thread. It runs one request at a time,
 * on a Storage with the modes of the request.
 */
export const serveMerges = <R>(
  storageWith: (modes: Modes) => Effect.Effect<StorageService, never, R>
): Effect.Effect<void, WorkerError, WorkerRunner.PlatformRunner | R> =>
  Effect.flatMap(Effect.makeSemaphore(1), (underWay) =>
    WorkerRunner.launch(
      WorkerRunner.layerSerialized(Request, {
        Merge: (request) =>
          runMerge(request).pipe(
            Effect.provideServiceEffect(Storage, storageWith(request.options)),
            underWay.withPermits(1)
          ),
        Settle: () => underWay.withPermits(1)(Effect.void)
      })
    )
  )
