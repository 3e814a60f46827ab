import { PersistenceError } from "@effect/cluster/ClusterError"
import * as MessageStorage from "@effect/cluster/MessageStorage"
import * as Snowflake from "@effect/cluster/Snowflake"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { StoredReply } from "../../core/adapters/mailboxModels.js"
import type { Mailbox } from "./mailbox.js"
import type { Unprocessed, Wanted } from "./mailboxReads.js"

type EncodedEnvelope = Parameters<MessageStorage.Encoded["saveEnvelope"]>[0]["envelope"]
type EncodedReply = Parameters<MessageStorage.Encoded["saveReply"]>[0]

/** What mailboxes hold is what the cluster gave them, so it has the types of the cluster. */
const replyOf = (reply: StoredReply) => reply as EncodedReply
const replyIn = Option.map(replyOf)
const messageOf = ({ envelope, lastSentReply }: Unprocessed) => ({
  envelope: envelope as EncodedEnvelope,
  lastSentReply: replyIn(lastSentReply)
})

/** A failure of the store, as the cluster names it. */
export const persisted = Effect.mapError((cause: unknown) => new PersistenceError({ cause }))

/** The methods of mailboxes that the clusters of both editions have. */
export const encodedMailbox = (mailbox: Mailbox) => {
  const { claims, reads } = mailbox
  return {
    saveEnvelope: ({ deliverAt, envelope, primaryKey }: Parameters<MessageStorage.Encoded["saveEnvelope"]>[0]) =>
      mailbox.saveEnvelope(envelope, primaryKey, deliverAt).pipe(
        Effect.map(
          Option.match({
            onNone: () => MessageStorage.SaveResultEncoded.Success(),
            onSome: ({ lastReceivedReply, originalId }) =>
              MessageStorage.SaveResultEncoded.Duplicate({
                originalId: Snowflake.Snowflake(originalId),
                lastReceivedReply: replyIn(lastReceivedReply)
              })
          })
        ),
        persisted
      ),
    saveReply: (reply: EncodedReply) => persisted(mailbox.saveReplies([reply])),
    clearReplies: (
      requestId: Snowflake.Snowflake,
      options?: { readonly expectedReplyId?: Snowflake.Snowflake | undefined }
    ) => {
      const expected = options?.expectedReplyId
      return persisted(mailbox.clearReplies(String(requestId), expected === undefined ? undefined : String(expected)))
    },
    requestIdForPrimaryKey: (primaryKey: string) =>
      persisted(
        Effect.map(
          mailbox.requestIdFor(primaryKey),
          Option.map((id) => Snowflake.Snowflake(id))
        )
      ),
    repliesFor: (requestIds: ReadonlyArray<string>) =>
      persisted(Effect.map(reads.repliesFor(requestIds), (replies) => replies.map(replyOf))),
    repliesForUnfiltered: (requestIds: ReadonlyArray<string>) =>
      persisted(Effect.map(reads.allReplies(requestIds), (replies) => replies.map(replyOf))),
    unprocessedMessages: (
      shards: ReadonlyArray<string>,
      now: number,
      options?: Pick<Wanted, "limit" | "addresses"> | undefined
    ) => persisted(Effect.map(reads.unprocessed({ ...options, shards, now }), (messages) => messages.map(messageOf))),
    unprocessedMessagesById: (ids: ReadonlyArray<Snowflake.Snowflake>, now: number) =>
      persisted(Effect.map(reads.unprocessedById(ids.map(String), now), (messages) => messages.map(messageOf))),
    clearAddress: (address: { readonly entityType: string; readonly entityId: string }) =>
      persisted(mailbox.clearAddress(address)),
    resetShards: (shards: ReadonlyArray<string>) => Effect.sync(() => claims.releaseShards(shards))
  }
}
