/**
 * The store: an ordered, durable map from bytes to bytes.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Compactor from "./Compactor.js"
import type { Components } from "./internal/engine/components.js"
import { openStore } from "./internal/engine/open.js"
import { repairStore } from "./internal/maintenance/repair.js"
import { verifyStore } from "./internal/maintenance/verify.js"
import type { OpenError } from "./LsmError.js"
import * as LsmOptions from "./LsmOptions.js"
import type { RepairOptions, RepairReport, VerifyEvent, VerifyOptions } from "./Maintenance.js"
import * as Manifest from "./Manifest.js"
import * as Memtable from "./Memtable.js"
import * as Metrics from "./Metrics.js"
import * as SSTableStore from "./SSTableStore.js"
import * as Storage from "./Storage.js"
import type { Store } from "./Store.js"
import * as TableMerger from "./TableMerger.js"
import * as Wal from "./Wal.js"

/**
 * The Tag of a program's store. A program with several gives each a Tag of its own, whose service is a `Store`.
 *
 * @since 0.1.0
 * @category tags
 */
export class LsmStore extends Context.Tag("effect-lsm/LsmStore")<LsmStore, Store>() {}

export type {
  /**
   * The services that a store is made of.
   *
   * @since 0.1.0
   * @category models
   */
  Components
} from "./internal/engine/components.js"

/**
 * Opens a store from components that are provided, in the place of the usual ones.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeFromComponents = (
  options: LsmOptions.LsmOptions
): Effect.Effect<Store, OpenError, Components | Scope.Scope> =>
  Effect.flatMap(LsmOptions.settings(options), (settings) => openStore(settings))

/**
 * The layer of `makeFromComponents`.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromComponents = (options: LsmOptions.LsmOptions): Layer.Layer<LsmStore, OpenError, Components> =>
  Layer.scoped(LsmStore, makeFromComponents(options))

type Lower = Storage.Storage | Metrics.Metrics
type Middle = Lower | Manifest.Manifest | Wal.Wal | Memtable.Memtable | SSTableStore.SSTableStore

/**
 * Components in the place of the usual ones, each a layer that may use what stands below it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Replacements {
  readonly metrics?: Layer.Layer<Metrics.Metrics, OpenError, Storage.Storage> | undefined
  readonly manifest?: Layer.Layer<Manifest.Manifest, OpenError, Lower> | undefined
  readonly wal?: Layer.Layer<Wal.Wal, OpenError, Lower> | undefined
  readonly memtable?: Layer.Layer<Memtable.Memtable, OpenError, Lower> | undefined
  readonly tables?: Layer.Layer<SSTableStore.SSTableStore, OpenError, Lower> | undefined
  readonly merger?: Layer.Layer<TableMerger.TableMerger, OpenError, Middle> | undefined
  readonly compactor?: Layer.Layer<Compactor.Compactor, OpenError, Middle | TableMerger.TableMerger> | undefined
}

/**
 * Every component but `Storage`. A component that is replaced is replaced for those above it too.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerComponents = (
  options: LsmOptions.LsmOptions,
  {
    metrics = Metrics.layer(options),
    manifest = Manifest.layer(options),
    wal = Wal.layer(options),
    memtable = Memtable.layer(options),
    tables = SSTableStore.layer(options),
    merger = TableMerger.layer,
    compactor = Compactor.layer(options)
  }: Replacements = {}
): Layer.Layer<Exclude<Components, Storage.Storage>, OpenError, Storage.Storage> =>
  compactor.pipe(
    Layer.provideMerge(merger),
    // The manifest is first, for what has the lock is let go last.
    Layer.provideMerge(Layer.provideMerge(Layer.mergeAll(wal, memtable, tables), manifest)),
    Layer.provideMerge(metrics)
  )

/**
 * Opens the store in `options.directory`, and closes it when the scope ends.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: LsmOptions.LsmOptions): Effect.Effect<Store, OpenError, Scope.Scope> =>
  Effect.flatMap(LsmOptions.settings(options), (settings) =>
    Effect.flatMap(Storage.makeWith(settings), (storage) => makeOn(storage, settings))
  )

/**
 * `layerFromComponents` on `layerComponents` as one Effect: to build ten layers takes seven times as many steps, 15 ms in a process that has just
 * begun. What was opened is closed again when a part fails.
 */
const makeOn = (
  storage: Storage.StorageService,
  options: LsmOptions.LsmOptions
): Effect.Effect<Store, OpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* LsmOptions.settings(options)
    const outer = yield* Effect.scope
    // Of its own until the store is open: who closes the outer one meanwhile must not take the parts from under the opening.
    const scope = yield* Scope.make(ExecutionStrategy.sequential)
    const ofParts = yield* Scope.fork(scope, ExecutionStrategy.sequential)
    const ofStore = yield* Scope.fork(scope, ExecutionStrategy.sequential)
    return yield* Effect.uninterruptibleMask((restore) =>
      restore(
        Effect.flatMap(makeParts(storage, settings, ofParts), (parts) =>
          Effect.provide(openStore(settings), Context.add(parts, Scope.Scope, ofStore))
        )
      ).pipe(
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
        Effect.tap(() => Scope.addFinalizerExit(outer, (exit) => Scope.close(scope, exit)))
      )
    )
  })

const makeParts = (
  storage: Storage.StorageService,
  settings: LsmOptions.Settings,
  scope: Scope.Scope
): Effect.Effect<Context.Context<Components>, OpenError> =>
  Effect.gen(function* () {
    const base = Context.add(Context.make(Storage.Storage, storage), Scope.Scope, scope)
    const lower = Context.add(base, Metrics.Metrics, yield* Metrics.make(settings))
    const middle = yield* Effect.provide(makeMiddle(lower, settings), lower)
    const upper = Context.add(middle, TableMerger.TableMerger, yield* Effect.provide(TableMerger.make, middle))
    return Context.add(upper, Compactor.Compactor, yield* Effect.provide(Compactor.make(settings), upper))
  })

const makeMiddle = <R>(lower: Context.Context<R>, settings: LsmOptions.Settings) =>
  Effect.gen(function* () {
    return lower.pipe(
      Context.add(Manifest.Manifest, yield* Manifest.make(settings)),
      Context.add(Wal.Wal, yield* Wal.make(settings)),
      Context.add(Memtable.Memtable, yield* Memtable.make(settings)),
      Context.add(SSTableStore.SSTableStore, yield* SSTableStore.make(settings))
    )
  })

/**
 * The store in `options.directory`, open for the life of the layer.
 *
 * @example
 * ```ts
 * import { Console, Effect, Stream } from "effect"
 * import { LsmStore } from "effect-lsm"
 *
 * const program = Effect.gen(function*() {
 *   const store = yield* LsmStore.LsmStore
 *   yield* store.put("user:1", "Ada")
 *   yield* store.scan({ prefix: "user:" }).pipe(Stream.runForEach((entry) => Console.log(entry)))
 * })
 *
 * program.pipe(
 *   Effect.provide(LsmStore.layer({ directory: "./data" })),
 *   Effect.runPromise
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions.LsmOptions): Layer.Layer<LsmStore, OpenError> =>
  Layer.scoped(LsmStore, make(options))

/**
 * A store on a `Storage` that is provided. Stores that are provided with the same one, such as the constant `Storage.layerMemory`, stand on
 * one file system: each needs a directory of its own.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerFromStorage = (options: LsmOptions.LsmOptions): Layer.Layer<LsmStore, OpenError, Storage.Storage> =>
  Layer.scoped(
    LsmStore,
    Effect.flatMap(Storage.Storage, (storage) => makeOn(storage, options))
  )

/**
 * `layer` with its options from the application's configuration.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<LsmOptions.LsmOptions>
): Layer.Layer<LsmStore, OpenError | ConfigError.ConfigError> =>
  Layer.unwrapEffect(Effect.map(Config.unwrap(options), layer))

/**
 * Opens a store on a file system in memory of its own: the same engine, nothing on disk, gone when the scope ends. For tests.
 *
 * @since 0.1.0
 * @category constructors
 */
export const makeMemory = (options?: LsmOptions.Tuning): Effect.Effect<Store, OpenError, Scope.Scope> =>
  Effect.flatMap(Storage.makeMemory, (storage) => makeOn(storage, { ...options, directory: "/memory" }))

/**
 * A store on a file system in memory: the same engine, nothing on disk, gone with the layer. For tests.
 *
 * Each call makes a store apart from all others. As with every layer, the one that a call returned is built once in a program,
 * wherever it is provided: those who share it share the store.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerMemory = (options?: LsmOptions.Tuning): Layer.Layer<LsmStore, OpenError> =>
  Layer.scoped(LsmStore, makeMemory(options))

/**
 * Checks the store in a directory that nobody else has open, and changes no byte of it: every header and checksum, the order of
 * keys within and across blocks, properties and manifest against what the tables hold, filters and indexes against every key, every
 * frame of the log and the sequence numbers of its records. Damage is a `Finding`, not a failure: the rest is checked all the
 * same. The last event, `Verified`, counts.
 *
 * @since 0.1.0
 * @category verification
 */
export const verify = (options: VerifyOptions): Stream.Stream<VerifyEvent, OpenError> =>
  Stream.provideLayer(verifyFromStorage(options), Storage.layer)

/**
 * `verify` on a `Storage` that is provided.
 *
 * @since 0.1.0
 * @category verification
 */
export const verifyFromStorage: (options: VerifyOptions) => Stream.Stream<VerifyEvent, OpenError, Storage.Storage> =
  verifyStore

/**
 * Makes a new store of all that is sound in the tables and the log of another, which nobody may have open and of which no byte is
 * changed. `into` must be empty, or not there yet.
 *
 * Where tables were damaged, an older value of a key may stand in the place of one that was lost, or of a deletion that was:
 * `lost` tells which keys are concerned. Where the manifest is lost, all table files count, obsolete ones included.
 *
 * @since 0.1.0
 * @category verification
 */
export const repair = (directory: string, options: RepairOptions): Effect.Effect<RepairReport, OpenError> =>
  Effect.flatMap(LsmOptions.settings({ ...options, directory: options.into }), (settings) =>
    Effect.provide(repairFromStorage(directory, options), Storage.layerWith(settings))
  )

/**
 * `repair` on a `Storage` that is provided.
 *
 * @since 0.1.0
 * @category verification
 */
export const repairFromStorage: (
  directory: string,
  options: RepairOptions
) => Effect.Effect<RepairReport, OpenError, Storage.Storage> = repairStore
