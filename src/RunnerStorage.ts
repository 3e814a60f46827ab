/**
 * Runners of a cluster on an ordered store that one process has for itself.
 *
 * @since 3.1.0
 */
import type { PersistenceError } from "@effect/cluster/ClusterError"
import * as ClusterStorage from "@effect/cluster/RunnerStorage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { persisted } from "./internal/cluster/encodedMailbox.js"
import { openRunners } from "./internal/cluster/runners.js"
import { OrderedStore } from "./OrderedStore.js"

/**
 * Options of the runners of a cluster.
 *
 * @since 3.1.0
 * @category models
 */
export interface Options {
  /** Keeps several clusters in one store apart. Default `"default"`. */
  readonly name?: string | undefined
}

/**
 * Makes the `RunnerStorage` of `@effect/cluster` on the program's `OrderedStore`.
 *
 * The store holds the ids of machines: an address has the same id each time that it registers, and
 * no other address gets it. They begin with 1. So the ids of messages do not repeat.
 *
 * Runners, their health and their shards are in memory. They are those of this process, so none of
 * them is left when the store is opened again. They do not expire.
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = (
  options?: Options
): Effect.Effect<ReturnType<typeof ClusterStorage.makeEncoded>, PersistenceError, OrderedStore> =>
  Effect.gen(function* () {
    const { machineId, table } = yield* persisted(openRunners(yield* OrderedStore, options?.name ?? "default"))
    return ClusterStorage.makeEncoded({
      getRunners: Effect.sync(() => table.all),
      register: (address, runner, isHealthy) =>
        Effect.tap(persisted(machineId(address)), () => Effect.sync(() => table.register(address, runner, isHealthy))),
      unregister: (address) => Effect.sync(() => table.unregister(address)),
      setRunnerHealth: (address, isHealthy) => Effect.sync(() => table.setHealth(address, isHealthy)),
      acquire: (address, shards) => Effect.sync(() => table.acquire(address, shards)),
      refresh: (address, shards) => Effect.sync(() => table.ownedBy(address, shards)),
      release: (address, shard) => Effect.sync(() => table.release(address, shard)),
      releaseAll: (address) => Effect.sync(() => table.releaseAll(address))
    })
  })

/**
 * The layer of `make`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<ClusterStorage.RunnerStorage, PersistenceError, OrderedStore> =>
  Layer.effect(ClusterStorage.RunnerStorage, make(options))
