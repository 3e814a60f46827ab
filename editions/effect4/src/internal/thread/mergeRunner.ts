import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcServer from "effect/rpc/RpcServer"
import * as Semaphore from "effect/Semaphore"
import type { WorkerError } from "effect/workers/WorkerError"
import type { WorkerRunnerPlatform } from "effect/workers/WorkerRunner"
import { type Modes, Storage, type StorageService } from "../../Storage.js"
import { Merges } from "./mergeProtocol.js"
import { runMerge } from "./runMerge.js"

const serve = RpcServer.layer(Merges, { disableTracing: true, disableFatalDefects: true }).pipe(
  Layer.provide(RpcServer.layerProtocolWorkerRunner)
)

/**
 * The other side of `MergeThread`, until the store ends the thread. It runs one request at a time,
 * on a Storage with the modes of the request.
 */
export const serveMerges = <R>(
  storageWith: (modes: Modes) => Effect.Effect<StorageService, never, R>
): Effect.Effect<void, WorkerError, WorkerRunnerPlatform | R> => {
  const oneAtATime = Semaphore.makeUnsafe(1).withPermits(1)
  const handlers = Merges.toLayer({
    Merge: (request) => {
      const storage = storageWith(request.options)
      return oneAtATime(Effect.provideServiceEffect(runMerge(request), Storage, storage))
    },
    Settle: () => oneAtATime(Effect.void)
  })
  return Layer.launch(Layer.provide(serve, handlers))
}
