/**
 * The store: an ordered, durable map from bytes to bytes.
 *
 * @since 3.0.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { mergerInThread } from "./internal/background/mergerInThread.js"
import { withCapabilities } from "./internal/capabilities/withCapabilities.js"
import { type MakeMerger, makeComponents, openOn, type Replacements } from "./internal/engine/assembly.js"
import type { Components } from "./internal/engine/components.js"
import { openStore } from "./internal/engine/open.js"
import type { OpenError } from "./LsmError.js"
import * as LsmOptions from "./LsmOptions.js"
import type { RepairOptions, RepairReport, VerifyEvent, VerifyOptions } from "./Maintenance.js"
import { OrderedStore } from "./OrderedStore.js"
import * as Storage from "./Storage.js"
import type { Store } from "./Store.js"

/**
 * The Tag of a program's store. In a program with several stores, define a Tag for each, with
 * `Store` as its service.
 *
 * @since 3.0.0
 * @category tags
 */
export class LsmStore extends Context.Tag("effect-lsm/LsmStore")<LsmStore, Store>() {}

export type {
  /**
   * Layers of components that replace the usual ones. Each may use the components below it. A layer
   * is built anew for each store, so that two stores never share a component.
   *
   * @since 3.0.0
   * @category models
   */
  Replacements
} from "./internal/engine/assembly.js"
export type {
  /**
   * The services that a store is made of.
   *
   * @since 3.0.0
   * @category models
   */
  Components
} from "./internal/engine/components.js"

/** The program of the background thread. Bundlers find it by this expression. */
const threadProgram = (): URL => new URL("./internal/background/thread.js", import.meta.url)

const inThread: MakeMerger = (settings) => mergerInThread(settings, threadProgram)

/**
 * Whether flushes and compactions run in a thread, which has Node's own files and the usual formats
 * of the log and the tables.
 */
const hasThread = ({ backgroundThread, readOnly }: LsmOptions.Settings, replacements: Replacements = {}): boolean => {
  const { bun, deno } = process.versions
  const { memtable, tables, wal } = replacements
  const isUsual = memtable === undefined && tables === undefined && wal === undefined
  return backgroundThread && !readOnly && isUsual && bun === undefined && deno === undefined
}

/**
 * Opens the store in `options.directory`, and closes it when the scope ends. On Node, memtables are
 * flushed and tables compacted in a worker thread: see `LsmOptions.Tuning.backgroundThread`.
 *
 * @since 3.0.0
 * @category constructors
 */
export const make = (
  options: LsmOptions.LsmOptions,
  replacements?: Replacements
): Effect.Effect<Store, OpenError, Scope.Scope> =>
  Effect.flatMap(LsmOptions.resolveOptions(options), (settings) =>
    Effect.flatMap(Storage.makeWith(settings), (storage) =>
      Effect.map(
        openOn(storage, settings, replacements, hasThread(settings, replacements) ? inThread : undefined),
        withCapabilities
      )
    )
  )

/** The layer of a store, by both of its Tags. */
const layerOf = <E, R>(
  make: Effect.Effect<Store, E, R>
): Layer.Layer<LsmStore | OrderedStore, E, Exclude<R, Scope.Scope>> =>
  Layer.scopedContext(Effect.map(make, (store) => Context.add(Context.make(LsmStore, store), OrderedStore, store)))

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
 * @since 3.0.0
 * @category layers
 */
export const layer = (
  options: LsmOptions.LsmOptions,
  replacements?: Replacements
): Layer.Layer<LsmStore | OrderedStore, OpenError> => layerOf(make(options, replacements))

/**
 * Opens a store on the `Storage` that is provided. Stores on the same one, such as the constant
 * `Storage.layerMemory`, share a file system: open each in another directory.
 *
 * @since 3.0.0
 * @category constructors
 */
export const makeFromStorage = (
  options: LsmOptions.LsmOptions,
  replacements?: Replacements
): Effect.Effect<Store, OpenError, Storage.Storage | Scope.Scope> =>
  Effect.flatMap(Storage.Storage, (storage) => Effect.map(openOn(storage, options, replacements), withCapabilities))

/**
 * The layer of `makeFromStorage`.
 *
 * @since 3.0.0
 * @category layers
 */
export const layerFromStorage = (
  options: LsmOptions.LsmOptions,
  replacements?: Replacements
): Layer.Layer<LsmStore | OrderedStore, OpenError, Storage.Storage> => layerOf(makeFromStorage(options, replacements))

/**
 * Opens a store from the components that are provided.
 *
 * @since 3.0.0
 * @category constructors
 */
export const makeFromComponents = (
  options: LsmOptions.LsmOptions
): Effect.Effect<Store, OpenError, Components | Scope.Scope> =>
  Effect.flatMap(LsmOptions.resolveOptions(options), (settings) => Effect.map(openStore(settings), withCapabilities))

/**
 * The layer of `makeFromComponents`.
 *
 * @since 3.0.0
 * @category layers
 */
export const layerFromComponents = (
  options: LsmOptions.LsmOptions
): Layer.Layer<LsmStore | OrderedStore, OpenError, Components> => layerOf(makeFromComponents(options))

/**
 * Every component but `Storage`, for `layerFromComponents`. A component that is replaced is
 * replaced for those above it too.
 *
 * @since 3.0.0
 * @category layers
 */
export const layerComponents = (
  options: LsmOptions.LsmOptions,
  replacements?: Replacements
): Layer.Layer<Exclude<Components, Storage.Storage>, OpenError, Storage.Storage> =>
  Layer.scopedContext(Effect.map(makeComponents(options, replacements), Context.omit(Storage.Storage)))

/**
 * `layer` with its options from the application's configuration: from a `Config` for all or for each
 * of them, or from the variables with a prefix, as `LsmConfig.load` reads them. Default: those with
 * the prefix `LSM`, such as `LSM_DIRECTORY`.
 *
 * @since 3.0.0
 * @category layers
 */
export const layerConfig = (
  options: Config.Config.Wrap<LsmOptions.LsmOptions> | string = "LSM"
): Layer.Layer<LsmStore | OrderedStore, OpenError | ConfigError.ConfigError> =>
  Layer.unwrapEffect(
    Effect.map(typeof options === "string" ? fromVariables(options) : Config.unwrap(options), (read) => layer(read))
  )

/** Loaded when it is used: it knows the text of each option. */
const fromVariables = (prefix: string) =>
  Effect.flatMap(
    Effect.promise(() => import("./internal/configuration/variables.js")),
    ({ loadOptions }) => loadOptions(prefix)
  )

/**
 * Opens a store on a new file system in memory: the same engine with nothing on disk. Its data is
 * gone when the scope ends. For tests.
 *
 * @since 3.0.0
 * @category constructors
 */
export const makeMemory = (options?: LsmOptions.Tuning): Effect.Effect<Store, OpenError, Scope.Scope> =>
  Effect.flatMap(Storage.makeMemory, (storage) =>
    Effect.map(openOn(storage, { ...options, directory: "/memory" }), withCapabilities)
  )

/**
 * A store on a new file system in memory: the same engine with nothing on disk. Its data is gone
 * with the layer. For tests.
 *
 * Each call returns the layer of another store. As with every layer, one value is built once in a
 * graph of layers: what is provided together shares the store, and another `Effect.provide` of it
 * makes another store.
 *
 * @since 3.0.0
 * @category layers
 */
export const layerMemory = (options?: LsmOptions.Tuning): Layer.Layer<LsmStore | OrderedStore, OpenError> =>
  layerOf(makeMemory(options))

/**
 * Checks a store that is not open, and changes no byte of it.
 *
 * It checks every header and checksum, the order of keys within and across blocks, properties and
 * manifest against the entries of tables, filters and indexes against every key, and every frame of
 * the log with the sequence numbers of its records. Damage is a `Finding`, not a failure: the check
 * goes on. The last event is `Verified`, with counts.
 *
 * @since 3.0.0
 * @category verification
 */
export const verify = (options: VerifyOptions): Stream.Stream<VerifyEvent, OpenError> =>
  Stream.provideLayer(verifyFromStorage(options), Storage.layer)

/**
 * `verify` on a `Storage` that is provided.
 *
 * @since 3.0.0
 * @category verification
 */
export const verifyFromStorage = (options: VerifyOptions): Stream.Stream<VerifyEvent, OpenError, Storage.Storage> =>
  Stream.unwrap(
    Effect.map(
      Effect.promise(() => import("./internal/maintenance/verify.js")),
      ({ verifyStore }) => verifyStore(options)
    )
  )

/**
 * Makes a new store in `into` from the sound tables and log records of another. The other store
 * must not be open, and no byte of it changes. `into` must be empty or must not exist.
 *
 * If a table is damaged, an older value of a key may replace one that was lost, and a deleted key
 * may come back; `lost` lists the keys that this can affect. If the manifest is lost, all table
 * files count, obsolete ones included.
 *
 * @since 3.0.0
 * @category verification
 */
export const repair = (directory: string, options: RepairOptions): Effect.Effect<RepairReport, OpenError> =>
  Effect.flatMap(settingsOfRepair(options), (settings) =>
    Effect.provide(repairFromStorage(directory, options), Storage.layerWith(settings))
  )

const settingsOfRepair = ({ into, ...tuning }: RepairOptions) =>
  LsmOptions.resolveOptions({ ...tuning, directory: into })

/**
 * `repair` on a `Storage` that is provided.
 *
 * @since 3.0.0
 * @category verification
 */
export const repairFromStorage = (
  directory: string,
  options: RepairOptions
): Effect.Effect<RepairReport, OpenError, Storage.Storage> =>
  Effect.flatMap(
    Effect.promise(() => import("./internal/maintenance/repair.js")),
    ({ repairStore }) => repairStore(directory, options)
  )
