import * as Effect from "effect/Effect"
import { Storage } from "effect-lsm"
import type { Patches } from "../support/openStore.js"
import { messageMerger } from "../support/simulatedThread.js"

/** Runs flushes and compactions in a simulated thread. `storage` patches the Storage that the thread uses. */
export const inThread = (
  storage: (storage: Storage.StorageService) => Storage.StorageService = (same) => same
): Patches => ({
  merger: (options) => Effect.updateService(messageMerger(queueMicrotask)(options), Storage.Storage, storage)
})
