import * as Effect from "effect/Effect"
import type { Address } from "../../core/adapters/mailboxModels.js"
import type { Mailbox } from "./mailbox.js"

/** The methods of mailboxes that only the cluster of this edition has. */
export const editionMethods = ({ claims }: Mailbox) => ({
  resetAddress: (address: Address) => Effect.sync(() => claims.releaseAddresses([address]))
})
