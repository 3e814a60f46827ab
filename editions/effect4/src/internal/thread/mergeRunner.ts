import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RpcServer from "effect/rpc/RpcServer"
import type { WorkerError } from "effect/workers/WorkerError"
import type { WorkerRunnerPlatform } from "effect/workers/WorkerRunner"
import type { Modes, StorageService } from "../../Storage.js"
import { Merges } from "./mergeProtocol.js"
import { makeJobs } from "./runJobs.js"

const serve = RpcServer.layer(Merges, { disableTracing: true, disableFatalDefects: true }).pipe(
  Layer.provide(RpcServer.layerProtocolWorkerRunner)
)

/**
 * The other side of `startThread`, until the store ends the thread. Each request gets a Storage with
 * the modes that it names.
 */
export const serveMerges = <R>(
  storageWith: (modes: Modes) => Effect.Effect<StorageService, never, R>
): Effect.Effect<void, WorkerError, WorkerRunnerPlatform | R> =>
  Effect.flatMap(makeJobs(storageWith), ({ merge, flush, settle }) => {
    const handlers = Merges.toLayer({ Merge: merge, Flush: flush, Settle: ({ kind }) => settle(kind) })
    return Layer.launch(Layer.provide(serve, handlers))
  })
