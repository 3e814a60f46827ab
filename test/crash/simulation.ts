import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import { type LsmOptions, Metrics, type Store } from "effect-lsm"
import type { MemoryDisk } from "../../src/core/storage/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"
import { openStore, type Patches } from "../support/openStore.js"
import { microtasks, withoutRuntimeMetrics } from "../support/simulatedRuntime.js"

/** Its parent directory is missing too. */
export const directory = "/data/store"

/** The directory of the checkpoint with this number. Its parent is missing before the first. */
export const checkpointDirectory = (checkpoint: number): string => `/data/copies/${checkpoint}`

/** Shared by all stores: nothing here reads them, and 100,000 stores are opened. */
const metrics = Effect.runSync(Metrics.make({ directory, name: "crash" }))

/** Opens a store on a simulated disk and runs `use` with it. Logs nothing. */
export const withStore = <A, E>(
  disk: MemoryDisk,
  tuning: LsmOptions.Tuning,
  use: (store: Store.Store) => Effect.Effect<A, E>,
  patches: Patches = {},
  at = directory
) =>
  openStore(fromMemoryDisk(disk), { ...tuning, directory: at, name: "crash" }, { metrics, ...patches }).pipe(
    Effect.flatMap(use),
    Effect.scoped,
    Logger.withMinimumLogLevel(LogLevel.None)
  )

/**
 * Makes an Effect repeatable: seeds its random numbers, and runs its fibers by microtasks, as the
 * disk. Turns off tracing and runtime metrics.
 */
export const simulated =
  (seed: number) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    effect.pipe(
      Effect.withRandom(Random.make(seed)),
      Effect.withTracerEnabled(false),
      Effect.withScheduler(microtasks),
      withoutRuntimeMetrics
    )
