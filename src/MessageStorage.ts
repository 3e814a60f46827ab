/**
 * Messages of a cluster on an ordered store, so that entities and workflows are durable on one machine
 * without an SQL server.
 *
 * @since 3.1.0
 */
import { PersistenceError } from "@effect/cluster/ClusterError"
import type * as Envelope from "@effect/cluster/Envelope"
import * as ClusterStorage from "@effect/cluster/MessageStorage"
import type * as Reply from "@effect/cluster/Reply"
import * as Snowflake from "@effect/cluster/Snowflake"
import type * as Rpc from "@effect/rpc/Rpc"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { openMailbox } from "./internal/cluster/mailbox.js"
import type { Unprocessed } from "./internal/cluster/mailboxReads.js"
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

const persisted = Effect.mapError((cause: unknown) => new PersistenceError({ cause }))

/** What mailboxes hold is what the cluster gave them, so it has the types of the cluster. */
const envelopeOf = ({ envelope, lastSentReply }: Unprocessed) => ({
  envelope: envelope as Envelope.Envelope.Encoded,
  lastSentReply: lastSentReply as Option.Option<Reply.ReplyEncoded<Rpc.Any>>
})

const repliesOf = (replies: ReadonlyArray<unknown>) => replies as Array<Reply.ReplyEncoded<Rpc.Any>>

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
): Effect.Effect<ClusterStorage.MessageStorage["Type"], PersistenceError, OrderedStore | Snowflake.Generator> =>
  Effect.gen(function* () {
    const mailbox = yield* persisted(openMailbox(yield* OrderedStore, options?.name ?? "default"))
    const { claims, reads } = mailbox
    return yield* ClusterStorage.makeEncoded({
      saveEnvelope: ({ deliverAt, envelope, primaryKey }) =>
        mailbox.saveEnvelope(envelope, primaryKey, deliverAt).pipe(
          Effect.map(
            Option.match({
              onNone: () => ClusterStorage.SaveResultEncoded.Success(),
              onSome: ({ lastReceivedReply, originalId }) =>
                ClusterStorage.SaveResultEncoded.Duplicate({
                  originalId: Snowflake.Snowflake(originalId),
                  lastReceivedReply: lastReceivedReply as Option.Option<Reply.ReplyEncoded<Rpc.Any>>
                })
            })
          ),
          persisted
        ),
      saveReply: (reply) => persisted(mailbox.saveReplies([reply])),
      clearReplies: (requestId) => persisted(mailbox.clearReplies(String(requestId))),
      requestIdForPrimaryKey: (primaryKey) =>
        persisted(Effect.map(mailbox.requestIdFor(primaryKey), Option.map(Snowflake.Snowflake))),
      repliesFor: (requestIds) => persisted(Effect.map(reads.repliesFor(requestIds), repliesOf)),
      repliesForUnfiltered: (requestIds) => persisted(Effect.map(reads.allReplies(requestIds), repliesOf)),
      unprocessedMessages: (shards, now) =>
        persisted(Effect.map(reads.unprocessed({ shards, now }), (messages) => messages.map(envelopeOf))),
      unprocessedMessagesById: (ids, now) =>
        persisted(Effect.map(reads.unprocessedById(ids.map(String), now), (messages) => messages.map(envelopeOf))),
      resetAddress: (address) => Effect.sync(() => claims.releaseAddresses([address])),
      clearAddress: (address) => persisted(mailbox.clearAddress(address)),
      resetShards: (shards) => Effect.sync(() => claims.releaseShards(shards))
    })
  })

/**
 * The layer of `make`.
 *
 * @since 3.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<ClusterStorage.MessageStorage, PersistenceError, OrderedStore> =>
  Layer.effect(ClusterStorage.MessageStorage, make(options)).pipe(Layer.provide(Snowflake.layerGenerator))
