import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Address, StoredReply } from "../../core/adapters/mailboxModels.js"
import { persisted } from "./encodedMailbox.js"
import type { Mailbox } from "./mailbox.js"

/** The exits of the transaction that a fiber is in. */
const Exits = Context.Reference<Array<StoredReply> | undefined>("effect-lsm/MessageStorage/Exits", {
  defaultValue: () => undefined
})

/**
 * The methods of mailboxes that only the cluster of this edition has. A transaction keeps the exits of
 * requests until the outermost one succeeds, and writes them in one batch then. Chunks are not kept:
 * their receivers acknowledge them while the transaction is under way.
 */
export const editionMethods = (mailbox: Mailbox) => ({
  resetAddresses: (addresses: ReadonlyArray<Address>) => Effect.sync(() => mailbox.claims.releaseAddresses(addresses)),
  resetRequests: (requestIds: ReadonlyArray<bigint>) =>
    Effect.sync(() => {
      for (const id of requestIds) mailbox.claims.releaseRequest(String(id))
    }),
  saveReply: (reply: StoredReply) =>
    Effect.flatMap(Effect.service(Exits), (exits) =>
      exits === undefined || reply._tag === "Chunk"
        ? persisted(mailbox.saveReplies([reply]))
        : Effect.sync(() => void exits.push(reply))
    ),
  withTransaction: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Effect.service(Exits), (outer) =>
      Effect.suspend(() => {
        const exits: Array<StoredReply> = []
        return Effect.tap(Effect.provideService(effect, Exits, exits), () =>
          outer === undefined ? Effect.orDie(mailbox.saveReplies(exits)) : Effect.sync(() => void outer.push(...exits))
        )
      })
    )
})
