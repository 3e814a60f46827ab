/**
 * A cluster of one process, on an ordered store.
 *
 * @since 3.1.0
 */
import type { PersistenceError } from "@effect/cluster/ClusterError"
import type * as ClusterMessages from "@effect/cluster/MessageStorage"
import * as RunnerHealth from "@effect/cluster/RunnerHealth"
import * as Runners from "@effect/cluster/Runners"
import * as Sharding from "@effect/cluster/Sharding"
import * as ShardingConfig from "@effect/cluster/ShardingConfig"
import type * as ConfigError from "effect/ConfigError"
import * as Layer from "effect/Layer"
import * as MessageStorage from "./MessageStorage.js"
import type { OrderedStore } from "./OrderedStore.js"
import * as RunnerStorage from "./RunnerStorage.js"

/**
 * Options of a cluster of one process.
 *
 * @since 3.1.0
 * @category models
 */
export interface Options extends MessageStorage.Options {
  /** Replaces what the environment says. Default: the configuration of `@effect/cluster`. */
  readonly shardingConfig?: Parameters<typeof ShardingConfig.layer>[0]
}

/**
 * Runs durable entities and workflows in this process, with their messages on the program's
 * `OrderedStore`. No other process may use the store.
 *
 * After a crash, the next process goes on with every request that has no exit. So a handler or an
 * activity runs at least once. Its result is recorded once, and all who ask for it get the one that
 * was recorded.
 *
 * @example
 * ```ts
 * import { ClusterWorkflowEngine } from "@effect/cluster"
 * import { Layer } from "effect"
 * import { LsmStore } from "effect-lsm"
 * import * as SingleRunner from "effect-lsm/SingleRunner"
 *
 * const Engine = ClusterWorkflowEngine.layer.pipe(
 *   Layer.provideMerge(SingleRunner.layer()),
 *   Layer.provide(LsmStore.layer({ directory: "./data" }))
 * )
 * ```
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<
  Sharding.Sharding | Runners.Runners | ClusterMessages.MessageStorage,
  PersistenceError | ConfigError.ConfigError,
  OrderedStore
> =>
  Sharding.layer.pipe(
    Layer.provideMerge(Runners.layerNoop),
    Layer.provideMerge(MessageStorage.layer(options)),
    Layer.provide([RunnerStorage.layer(options), RunnerHealth.layerNoop]),
    Layer.provide(ShardingConfig.layerFromEnv(options?.shardingConfig))
  )
