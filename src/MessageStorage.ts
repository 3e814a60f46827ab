/**
 * Messages of a cluster on an ordered store, so that entities and workflows are durable on one machine
 * without an SQL server.
 *
 * @since 3.1.0
 */
import type { PersistenceError } from "@effect/cluster/ClusterError"
import * as ClusterStorage from "@effect/cluster/MessageStorage"
import * as Snowflake from "@effect/cluster/Snowflake"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { editionMethods } from "./internal/cluster/editionMethods.js"
import { encodedMailbox, persisted } from "./internal/cluster/encodedMailbox.js"
import { openMailbox } from "./internal/cluster/mailbox.js"
import { OrderedStore } from "./OrderedStore.js"

/**
 * Options of the messages of a cluster.
 *
 * @since 3.1.0
 * @category models
 */
export interface Options {
  /** Keeps several clusters in one store apart. Default `"default"`. */
  readonly name?: string | undefined
}

/**
 * Makes the `MessageStorage` of `@effect/cluster` on the program's `OrderedStore`. What it saves is
 * acknowledged as the store's `durability` says.
 *
 * Only one process may use the store, and one `MessageStorage` of a name: which messages were read and
 * wait for their replies is kept in memory. A message that was read is read again after 10 minutes, or
 * when its shard or its address is reset.
 *
 * Each request has one exit. Saving another one fails with `PersistenceError`, as does everything that
 * fails in the store, whose error is the `cause`.
 *
 * @since 3.1.0
 * @category constructors
 */
export const make = (
  options?: Options
): Effect.Effect<
  Effect.Effect.Success<ReturnType<typeof ClusterStorage.makeEncoded>>,
  PersistenceError,
  OrderedStore | Snowflake.Generator
> =>
  Effect.gen(function* () {
    const mailbox = yield* persisted(openMailbox(yield* OrderedStore, options?.name ?? "default"))
    return yield* ClusterStorage.makeEncoded({ ...encodedMailbox(mailbox), ...editionMethods(mailbox) })
  })

/**
 * The layer of `make`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<ClusterStorage.MessageStorage, PersistenceError, OrderedStore> =>
  Layer.effect(ClusterStorage.MessageStorage, make(options)).pipe(Layer.provide(Snowflake.layerGenerator))
