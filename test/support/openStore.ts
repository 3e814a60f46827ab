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
  type Store,
  TableMerger,
  Wal
} from "effect-lsm"

/** Replaces or wraps components of a store, for example to make them fail. */
export interface Patches {
  readonly storage?: (storage: Storage.StorageService) => Storage.StorageService
  readonly metrics?: Metrics.MetricsService
  readonly manifest?: (manifest: Manifest.ManifestService) => Manifest.ManifestService
  readonly wal?: (wal: Wal.WalService) => Wal.WalService
  readonly memtable?: (memtable: Memtable.MemtableService) => Memtable.MemtableService
  readonly tables?: (tables: SSTableStore.SSTableStoreService) => SSTableStore.SSTableStoreService
  readonly merger?: (
    options: LsmOptions.LsmOptions
  ) => Effect.Effect<
    TableMerger.TableMergerService,
    LsmError.OpenError,
    Storage.Storage | SSTableStore.SSTableStore | Scope.Scope
  >
}

const same = <A>(service: A): A => service

/**
 * Opens a store until the scope closes. Builds the components directly, because building their
 * layers takes several times as long as opening the store, and some tests open thousands.
 */
export const openStore = (
  driver: Storage.StorageService,
  options: LsmOptions.LsmOptions,
  {
    storage = same,
    metrics,
    manifest = same,
    wal = same,
    memtable = same,
    tables = same,
    merger = () => TableMerger.make
  }: Patches = {}
): Effect.Effect<Store.Store, LsmError.OpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const base = Context.make(Storage.Storage, storage(driver))
    const lower = base.pipe(
      Context.add(Metrics.Metrics, metrics ?? (yield* Metrics.make(options))),
      Context.add(Manifest.Manifest, manifest(yield* Effect.provide(Manifest.make(options), base))),
      Context.add(Wal.Wal, wal(yield* Effect.provide(Wal.make(options), base))),
      Context.add(Memtable.Memtable, memtable(yield* Memtable.make(options))),
      Context.add(SSTableStore.SSTableStore, tables(yield* Effect.provide(SSTableStore.make(options), base)))
    )
    const middle = Context.add(lower, TableMerger.TableMerger, yield* Effect.provide(merger(options), lower))
    const all = Context.add(middle, Compactor.Compactor, yield* Effect.provide(Compactor.make(options), middle))
    return yield* Effect.provide(LsmStore.makeFromComponents(options), all)
  })
