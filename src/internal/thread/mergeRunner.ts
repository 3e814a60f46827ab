import type { WorkerError } from "@effect/platform/WorkerError"
import * as WorkerRunner from "@effect/platform/WorkerRunner"
import * as Effect from "effect/Effect"
import type { Modes, StorageService } from "../../Storage.js"
import { Request } from "./mergeProtocol.js"
import { makeJobs } from "./runJobs.js"

/**
 * The other side of `startThread`, until the store ends the thread. Each request gets a Storage with
 * the modes that it names.
 */
export const serveMerges = <R>(
  storageWith: (modes: Modes) => Effect.Effect<StorageService, never, R>
): Effect.Effect<void, WorkerError, WorkerRunner.PlatformRunner | R> =>
  Effect.flatMap(makeJobs(storageWith), (jobs) =>
    WorkerRunner.launch(
      WorkerRunner.layerSerialized(Request, {
        Merge: jobs.merge,
        Flush: jobs.flush,
        Settle: ({ kind }) => jobs.settle(kind)
      })
    )
  )
