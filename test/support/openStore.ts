import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import {
  Compactor,
  type LsmError,
  type LsmOptions,
  LsmStore,
  Manifest,
  Memtable,
  Metrics,
  SSTableStore,
  Storage,
  Wal
} from "effect-lsm"

/**
 * Opens a store until the scope ends. Its components are made one after the other: building their layers takes several
 * times as long as opening the store, which counts where thousands are opened.
 */
export const openStore = (
  storage: Storage.StorageService,
  options: LsmOptions.LsmOptions
): Effect.Effect<LsmStore.Store, LsmError.OpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const base = Context.make(Storage.Storage, storage)
    const lower = base.pipe(
      Context.add(Metrics.Metrics, yield* Metrics.make(options)),
      Context.add(Manifest.Manifest, yield* Effect.provide(Manifest.make(options), base)),
      Context.add(Wal.Wal, yield* Effect.provide(Wal.make(options), base)),
      Context.add(Memtable.Memtable, yield* Memtable.make(options)),
      Context.add(SSTableStore.SSTableStore, yield* Effect.provide(SSTableStore.make(options), base))
    )
    const all = Context.add(lower, Compactor.Compactor, yield* Effect.provide(Compactor.make(options), lower))
    return yield* Effect.provide(LsmStore.makeFromComponents(options), all)
  })
