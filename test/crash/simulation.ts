import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Random from "effect/Random"
import * as RuntimeFlags from "effect/RuntimeFlags"
import * as RuntimeFlagsPatch from "effect/RuntimeFlagsPatch"
import {
  Compactor,
  type LsmOptions,
  LsmStore,
  Manifest,
  Memtable,
  Metrics,
  SSTableStore,
  Storage,
  Wal
} from "effect-lsm"
import type { MemoryDisk } from "../../src/internal/memoryFile.js"
import { fromMemoryDisk } from "../../src/Storage.js"

export const directory = "/store"

/** Components made to misbehave, for mutants. */
export interface Patches {
  readonly storage?: (storage: Storage.StorageService) => Storage.StorageService
  readonly manifest?: (manifest: Manifest.ManifestService) => Manifest.ManifestService
  readonly wal?: (wal: Wal.WalService) => Wal.WalService
  readonly memtable?: (memtable: Memtable.MemtableService) => Memtable.MemtableService
  readonly tables?: (tables: SSTableStore.SSTableStoreService) => SSTableStore.SSTableStoreService
}

const same = <A>(service: A): A => service

/** Nothing here judges the metrics, and a hundred thousand stores need not each make their own. */
const metrics = Effect.runSync(Metrics.make({ directory, name: "crash" }))

const withoutRuntimeMetrics = RuntimeFlagsPatch.disable(RuntimeFlags.RuntimeMetrics)

/**
 * Runs `use` with a store on a simulated disk. The components are made one after the other: building layers takes several
 * times as long as opening the store, and there are many to open. Nothing is logged.
 */
export const withStore = <A, E>(
  disk: MemoryDisk,
  tuning: LsmOptions.Tuning,
  use: (store: LsmStore.Store) => Effect.Effect<A, E>,
  patches: Patches = {}
) =>
  Effect.gen(function* () {
    const options = { ...tuning, directory, name: "crash" }
    const { storage = same, manifest = same, wal = same, memtable = same, tables = same } = patches
    const base = Context.make(Storage.Storage, storage(fromMemoryDisk(disk)))
    const lower = base.pipe(
      Context.add(Metrics.Metrics, metrics),
      Context.add(Manifest.Manifest, manifest(yield* Effect.provide(Manifest.make(options), base))),
      Context.add(Wal.Wal, wal(yield* Effect.provide(Wal.make(options), base))),
      Context.add(Memtable.Memtable, memtable(yield* Memtable.make(options))),
      Context.add(SSTableStore.SSTableStore, tables(yield* Effect.provide(SSTableStore.make(options), base)))
    )
    const all = Context.add(lower, Compactor.Compactor, yield* Effect.provide(Compactor.make(options), lower))
    return yield* use(yield* Effect.provide(LsmStore.makeFromComponents(options), all))
  }).pipe(Effect.scoped, Logger.withMinimumLogLevel(LogLevel.None))

/** An Effect that does the same each time: chance comes from the seed. It traces nothing. */
export const simulated =
  (seed: number) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    effect.pipe(
      Effect.withRandom(Random.make(seed)),
      Effect.withTracerEnabled(false),
      Effect.withRuntimeFlagsPatch(withoutRuntimeMetrics)
    )
