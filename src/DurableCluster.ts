/**
 * One store, and on it Effect's own interfaces, the entities and the workflows of a program.
 *
 * With Effect 3 it needs `@effect/platform`, `@effect/experimental`, `@effect/cluster`,
 * `@effect/workflow`, `@effect/rpc` and `@effect/sql`.
 *
 * @since 3.1.0
 */
import type { PersistenceError } from "@effect/cluster/ClusterError"
import * as ClusterWorkflowEngine from "@effect/cluster/ClusterWorkflowEngine"
import type * as ClusterMessages from "@effect/cluster/MessageStorage"
import type * as Runners from "@effect/cluster/Runners"
import type * as Sharding from "@effect/cluster/Sharding"
import type * as Journal from "@effect/experimental/EventJournal"
import type { WorkflowEngine } from "@effect/workflow/WorkflowEngine"
import type * as ConfigError from "effect/ConfigError"
import * as Layer from "effect/Layer"
import * as Durable from "./Durable.js"
import type { InvalidArgument, OpenError } from "./LsmError.js"
import * as LsmStore from "./LsmStore.js"
import type { OrderedStore } from "./OrderedStore.js"
import * as SingleRunner from "./SingleRunner.js"

/**
 * Options of the adapters and of the cluster.
 *
 * @since 3.1.0
 * @category models
 */
export interface Adapters extends Durable.Adapters {
  /** Options of the cluster. Its `name` is that of the adapters by default. */
  readonly cluster?: SingleRunner.Options | undefined
}

/**
 * Options of a store, and of what is on it.
 *
 * @since 3.1.0
 * @category models
 */
export interface Options extends Durable.Options {
  readonly adapters?: Adapters | undefined
}

/**
 * The services of the adapters and of the cluster.
 *
 * @since 3.1.0
 * @category models
 */
export type Services =
  | Durable.Services
  | Sharding.Sharding
  | Runners.Runners
  | ClusterMessages.MessageStorage
  | WorkflowEngine

/**
 * The errors of opening what is on a store.
 *
 * @since 3.1.0
 * @category models
 */
export type AdaptersError = InvalidArgument | Journal.EventJournalError | PersistenceError | ConfigError.ConfigError

/**
 * The adapters and the cluster on the program's `OrderedStore`, whatever its engine is. No other process
 * may use it.
 *
 * @since 3.1.0
 * @category layers
 */
export const layerAdapters = (options: Adapters = {}): Layer.Layer<Services, AdaptersError, OrderedStore> => {
  const { cluster, ...adapters } = options
  const runner = SingleRunner.layer({ name: adapters.name, ...cluster })
  return Layer.merge(Durable.layerAdapters(adapters), Layer.provideMerge(ClusterWorkflowEngine.layer, runner))
}

/**
 * Opens one store, and gives it with everything of `Durable.layer`, and with the `Sharding`,
 * `MessageStorage` and `WorkflowEngine` of a cluster of this process. The cluster begins to process what
 * is stored when the layer is built; see `SingleRunner.layer` for what it guarantees.
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = ({
  adapters,
  ...store
}: Options): Layer.Layer<Services | LsmStore.LsmStore | OrderedStore, AdaptersError | OpenError> =>
  Layer.provideMerge(layerAdapters(adapters), LsmStore.layer(store))
