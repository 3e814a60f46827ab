/**
 * One store, and Effect's own interfaces on it: what a program keeps is durable by one Layer.
 *
 * With Effect 3 it needs `@effect/platform` and `@effect/experimental`. `DurableCluster` adds entities
 * and workflows, and needs the packages of a cluster too.
 *
 * @since 3.1.0
 */
import type * as Journal from "@effect/experimental/EventJournal"
import type * as Queue from "@effect/experimental/PersistedQueue"
import type * as Persisted from "@effect/experimental/Persistence"
import type * as Limits from "@effect/experimental/RateLimiter"
import type * as Platform from "@effect/platform/KeyValueStore"
import * as Layer from "effect/Layer"
import * as EventJournal from "./EventJournal.js"
import * as KeyValueStore from "./KeyValueStore.js"
import type { InvalidArgument, OpenError } from "./LsmError.js"
import type { Durability, LsmOptions } from "./LsmOptions.js"
import * as LsmStore from "./LsmStore.js"
import type { OrderedStore } from "./OrderedStore.js"
import * as PersistedQueue from "./PersistedQueue.js"
import * as Persistence from "./Persistence.js"
import * as RateLimiter from "./RateLimiter.js"

/**
 * Options of the adapters. Those of one adapter go before those of all.
 *
 * @since 3.1.0
 * @category models
 */
export interface Adapters {
  /** The name of the instances, of 1 to 1,024 bytes in UTF-8. Default `"default"`. */
  readonly name?: string | undefined
  /**
   * When a write of an adapter is acknowledged. Default: the `durability` of the store, and
   * `"buffered"` for rate limits.
   */
  readonly durability?: Durability | undefined
  readonly keyValueStore?: KeyValueStore.Options | undefined
  readonly persistence?: Persistence.Options | undefined
  readonly queues?: PersistedQueue.Options | undefined
  readonly rateLimits?: RateLimiter.Options | undefined
  readonly journal?: EventJournal.Options | undefined
}

/**
 * Options of a store and of the adapters on it.
 *
 * @since 3.1.0
 * @category models
 */
export interface Options extends LsmOptions {
  readonly adapters?: Adapters | undefined
}

/**
 * The services of the adapters.
 *
 * @since 3.1.0
 * @category models
 */
export type Services =
  | Platform.KeyValueStore
  | Persisted.BackingPersistence
  | Persisted.ResultPersistence
  | Queue.PersistedQueueStore
  | Queue.PersistedQueueFactory
  | Limits.RateLimiterStore
  | Limits.RateLimiter
  | Journal.EventJournal

/**
 * The adapters on the program's `OrderedStore`, whatever its engine is.
 *
 * @since 3.1.0
 * @category layers
 */
export const layerAdapters = (
  options: Adapters = {}
): Layer.Layer<Services, InvalidArgument | Journal.EventJournalError, OrderedStore> => {
  const { durability, journal, keyValueStore, name, persistence, queues, rateLimits } = options
  const shared = { name, durability }
  const ofPersistence = { ...shared, ...persistence }
  const ofQueues = { ...shared, ...queues }
  const ofLimits = { ...shared, ...rateLimits }
  return Layer.mergeAll(
    KeyValueStore.layer({ ...shared, ...keyValueStore }),
    Persistence.layer(ofPersistence),
    Persistence.layerResult(ofPersistence),
    PersistedQueue.layer(ofQueues),
    PersistedQueue.layerFactory(ofQueues),
    RateLimiter.layer(ofLimits),
    RateLimiter.layerLimiter(ofLimits),
    EventJournal.layer({ ...shared, ...journal })
  )
}

/**
 * Opens one store, and gives it with the adapters: its own two Tags, a `KeyValueStore`, persisted results
 * and caches, persisted queues, rate limits, and a journal of events. All of them are closed together.
 *
 * They share the store, its cache and its log, so writes of several adapters share their syncs. Each has
 * keys of its own. For a store in memory, or one with options from a configuration, provide
 * `layerAdapters` with the layer of that store.
 *
 * @example
 * ```ts
 * import { Console, Effect, Schema } from "effect"
 * import { PersistedQueue } from "@effect/experimental"
 * import * as Durable from "effect-lsm/Durable"
 *
 * const program = Effect.gen(function* () {
 *   const mails = yield* PersistedQueue.make({ name: "mails", schema: Schema.String })
 *   yield* mails.take((to) => Console.log(to))
 * })
 *
 * const run = Effect.provide(program, Durable.layer({ directory: "./data" }))
 * ```
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = ({
  adapters,
  ...store
}: Options): Layer.Layer<
  Services | LsmStore.LsmStore | OrderedStore,
  OpenError | InvalidArgument | Journal.EventJournalError
> => Layer.provideMerge(layerAdapters(adapters), LsmStore.layer(store))
