import * as Effect from "effect/Effect"
import { Storage } from "effect-lsm"
import type { Patches } from "../support/openStore.js"
import { messageMerger } from "../support/simulatedThread.js"

/** Compactions in a simulated thread, on a disk of which it sees what `storage` makes of it. */
export const inThread = (
  storage: (storage: Storage.StorageService) => Storage.StorageService = (same) => same
): Patches => ({
  merger: (options) => Effect.updateService(messageMerger(queueMicrotask)(options), Storage.Storage, storage)
})
