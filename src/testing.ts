/**
 * For the tests of applications: a simulated machine, whose disk fails when a test says so, which loses
 * its power, and whose process crashes.
 *
 * @since 3.1.0
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { seeded } from "./core/simulation/random.js"
import { type FaultRule, type Kept, SimulatedDisk } from "./internal/testing/simulatedDisk.js"
import type { OpenError } from "./LsmError.js"
import type { Tuning } from "./LsmOptions.js"
import * as LsmStore from "./LsmStore.js"
import type { OrderedStore } from "./OrderedStore.js"
import * as Storage from "./Storage.js"

export type {
  /**
   * The operations of a disk that a rule may refuse, as `StorageError.operation` names them.
   *
   * @since 3.1.0
   * @category models
   */
  DiskOperationKind,
  /**
   * Makes the disk refuse operations.
   *
   * @since 3.1.0
   * @category models
   */
  FaultRule,
  /**
   * What stays of the changes that were not synced when the power went.
   *
   * @since 3.1.0
   * @category models
   */
  Kept
} from "./internal/testing/simulatedDisk.js"

/**
 * A machine with a disk in memory. Its disk outlives stores, crashes and power cuts.
 *
 * @since 3.1.0
 * @category models
 */
export interface Machine {
  /**
   * Opens the store of the machine, in the directory `"/store"`. Provide it again after `crash` or
   * `powerCut`, when the store before is closed: it opens what the disk has then. Data is handled as by
   * `LsmStore.layer`, without a background thread.
   */
  readonly layer: (options?: Tuning) => Layer.Layer<LsmStore.LsmStore | OrderedStore, OpenError>
  /** The `Storage` of the machine as it is when the layer is built, for several stores or another directory. */
  readonly storage: Layer.Layer<Storage.Storage>
  /**
   * The process ends here. What it has given to the operating system is on the disk, and counts as
   * synced. Everything that stores which are still open do after this fails with `StorageError` or
   * `StorePoisoned`, and has no effect.
   */
  readonly crash: Effect.Effect<void>
  /**
   * The power goes here. What was synced is on the disk. Of what was not, `kept` says what stays: nothing,
   * everything, or by default a random part, in any order and also torn within a write, as file
   * systems leave it. Stores that are still open fail as after `crash`.
   */
  readonly powerCut: (options?: { readonly kept?: Kept | undefined }) => Effect.Effect<void>
  /** Makes the disk refuse operations, from now on. */
  readonly fail: (rule: FaultRule) => Effect.Effect<void>
  /** Removes all rules. */
  readonly heal: Effect.Effect<void>
}

/**
 * Makes a machine with an empty disk. `seed` decides what random power cuts leave; default 1. The same
 * seed and the same program lead to the same disk.
 *
 * @example
 * ```ts
 * import { Console, Effect } from "effect"
 * import { LsmStore } from "effect-lsm"
 * import * as Testing from "effect-lsm/testing"
 *
 * const program = Effect.gen(function* () {
 *   const machine = yield* Testing.makeMachine({ seed: 7 })
 *   const write = Effect.gen(function* () {
 *     const store = yield* LsmStore.LsmStore
 *     yield* store.put("paid", "yes", { durability: "sync" })
 *     yield* store.put("seen", "yes", { durability: "buffered" })
 *     yield* machine.powerCut({ kept: "nothing" })
 *   })
 *   const read = Effect.gen(function* () {
 *     const store = yield* LsmStore.LsmStore
 *     yield* Console.log(yield* store.has("paid"), yield* store.has("seen"))
 *   })
 *   yield* Effect.provide(write, machine.layer())
 *   yield* Effect.provide(read, machine.layer())
 * })
 * ```
 *
 * @since 3.1.0
 * @category constructors
 */
export const makeMachine = ({ seed = 1 }: { readonly seed?: number | undefined } = {}): Effect.Effect<Machine> =>
  Effect.sync(() => {
    const random = seeded(seed)
    let current = new SimulatedDisk(new Map())
    const boot = (files: ReadonlyMap<string, Uint8Array>): void => {
      current = new SimulatedDisk(files)
    }
    const storage = Layer.effect(
      Storage.Storage,
      Effect.sync(() => Storage.fromMemoryDisk(current.disk))
    )
    return {
      // Only the storage is fresh: `Layer.provideMerge` would build a fresh store twice.
      layer: (options) =>
        Layer.provide(LsmStore.layerFromStorage({ ...options, directory: "/store" }), Layer.fresh(storage)),
      storage: Layer.fresh(storage),
      crash: Effect.sync(() => boot(current.crash())),
      powerCut: ({ kept = "random" } = {}) => Effect.sync(() => boot(current.cut(kept, random))),
      fail: (rule) => Effect.sync(() => current.fail(rule)),
      heal: Effect.sync(() => current.heal())
    }
  })

/**
 * A store on a new file system in memory: `LsmStore.layerMemory`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layerMemory: (options?: Tuning) => Layer.Layer<LsmStore.LsmStore | OrderedStore, OpenError> =
  LsmStore.layerMemory
