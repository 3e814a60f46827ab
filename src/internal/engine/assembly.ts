import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Compactor from "../../Compactor.js"
import type { OpenError } from "../../LsmError.js"
import * as LsmOptions from "../../LsmOptions.js"
import * as Manifest from "../../Manifest.js"
import * as Memtable from "../../Memtable.js"
import * as Metrics from "../../Metrics.js"
import * as SSTableStore from "../../SSTableStore.js"
import { Storage, type StorageService } from "../../Storage.js"
import * as TableMerger from "../../TableMerger.js"
import * as Wal from "../../Wal.js"
import type { Components } from "./components.js"
import type { EngineStore } from "./engineStore.js"
import { openStore } from "./open.js"

type Lower = Storage | Metrics.Metrics
type Middle = Lower | Manifest.Manifest | Wal.Wal | Memtable.Memtable | SSTableStore.SSTableStore
type Upper = Middle | TableMerger.TableMerger

/** Layers of components that replace the usual ones. Each may use the components below it. */
export interface Replacements {
  readonly metrics?: Layer.Layer<Metrics.Metrics, OpenError, Storage> | undefined
  readonly manifest?: Layer.Layer<Manifest.Manifest, OpenError, Lower> | undefined
  readonly wal?: Layer.Layer<Wal.Wal, OpenError, Lower> | undefined
  readonly memtable?: Layer.Layer<Memtable.Memtable, OpenError, Lower> | undefined
  readonly tables?: Layer.Layer<SSTableStore.SSTableStore, OpenError, Lower> | undefined
  readonly merger?: Layer.Layer<TableMerger.TableMerger, OpenError, Middle> | undefined
  readonly compactor?: Layer.Layer<Compactor.Compactor, OpenError, Upper> | undefined
}

/** Makes the merger of a store, unless it is replaced. */
export type MakeMerger = (
  settings: LsmOptions.Settings
) => Effect.Effect<TableMerger.TableMergerService, never, Storage | SSTableStore.SSTableStore | Scope.Scope>

/** The merger of a store that does all work in its own thread. */
const mergerHere: MakeMerger = () => TableMerger.make

/**
 * Makes the components of a store from the bottom up, on the `Storage` that is provided. Each is
 * made by its `make`, or built from the layer that replaces it, and gets what was made before. They
 * are released in reverse order: the manifest, which holds the directory's lock, after all that
 * have files open.
 *
 * The components share one scope and no layers are built for the usual ones: to build ten layers
 * takes 15 ms in a process that has just begun.
 */
export const makeComponents = (
  options: LsmOptions.LsmOptions,
  replacements: Replacements = {},
  makeMerger: MakeMerger = mergerHere
): Effect.Effect<Context.Context<Components>, OpenError, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* LsmOptions.resolveOptions(options)
    const scope = yield* Effect.scope
    const { metrics, manifest, wal, memtable, tables, merger, compactor } = replacements
    const storage = Context.make(Storage, yield* Storage)
    const lower = yield* add(scope, storage, Metrics.Metrics, Metrics.make(settings), metrics)
    const withManifest = yield* add(scope, lower, Manifest.Manifest, Manifest.make(settings), manifest)
    const withWal = yield* add(scope, withManifest, Wal.Wal, Wal.make(settings), wal)
    const withMemtable = yield* add(scope, withWal, Memtable.Memtable, Memtable.make(settings), memtable)
    const middle = yield* add(scope, withMemtable, SSTableStore.SSTableStore, SSTableStore.make(settings), tables)
    const upper = yield* add(scope, middle, TableMerger.TableMerger, makeMerger(settings), merger)
    return yield* add(scope, upper, Compactor.Compactor, Compactor.make(settings), compactor)
  })

/** Makes one component, or builds its replacement, and adds it to those below. */
const add = <Below, Id, Service>(
  scope: Scope.Scope,
  below: Context.Context<Below>,
  tag: Context.Tag<Id, Service>,
  make: Effect.Effect<Service, OpenError, NoInfer<Below> | Scope.Scope>,
  replacement: Layer.Layer<Id, OpenError, NoInfer<Below>> | undefined
): Effect.Effect<Context.Context<Below | Id>, OpenError> => {
  const service =
    replacement === undefined ? make : Effect.map(Layer.buildWithScope(replacement, scope), Context.get(tag))
  const provided = Context.add(below, Scope.Scope, scope)
  return Effect.provide(
    Effect.map(service, (made) => Context.add(below, tag, made)),
    provided
  )
}

/**
 * Opens a store on a `Storage`, and closes it when the scope ends. If a component or the opening
 * fails, what was opened is closed again.
 */
export const openOn = (
  storage: StorageService,
  options: LsmOptions.LsmOptions,
  replacements?: Replacements,
  makeMerger?: MakeMerger
): Effect.Effect<EngineStore, OpenError, Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* LsmOptions.resolveOptions(options)
    const outer = yield* Effect.scope
    // Not a child of the outer scope until the store is open. If the outer scope closes before
    // that, the components stay until the opening ends.
    const scope = yield* Scope.make(ExecutionStrategy.sequential)
    const ofComponents = yield* Scope.fork(scope, ExecutionStrategy.sequential)
    const ofStore = yield* Scope.fork(scope, ExecutionStrategy.sequential)
    const base = Context.add(Context.make(Storage, storage), Scope.Scope, ofComponents)
    return yield* Effect.uninterruptibleMask((restore) =>
      restore(
        Effect.flatMap(Effect.provide(makeComponents(settings, replacements, makeMerger), base), (components) =>
          Effect.provide(openStore(settings), Context.add(components, Scope.Scope, ofStore))
        )
      ).pipe(
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
        Effect.tap(() => Scope.addFinalizerExit(outer, (exit) => Scope.close(scope, exit)))
      )
    )
  })
