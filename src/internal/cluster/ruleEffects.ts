import * as Effect from "effect/Effect"
import type { Write } from "../../core/adapters/writes.js"
import { decodeUtf8 } from "../../core/bytes/bytes.js"
import type * as WriteBatch from "../../WriteBatch.js"

/** A rule refuses a change, an argument is none, or what is stored is damaged. */
export class MailboxFailure extends Error {
  readonly _tag = "MailboxFailure"
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Runs what throws if it refuses its input. */
export const attempt = <A>(evaluate: () => A): Effect.Effect<A, MailboxFailure> =>
  Effect.try({ try: evaluate, catch: (cause) => new MailboxFailure(cause) })

export const readJson = <A>(bytes: Uint8Array): A => JSON.parse(decodeUtf8(bytes)) as A

/** Adds what a rule asks for to a batch. */
export const addWrites = (batch: WriteBatch.WriteBatch, writes: ReadonlyArray<Write>): WriteBatch.WriteBatch => {
  for (const write of writes) {
    if ("put" in write) batch.put(write.put, write.value)
    else if ("delete" in write) batch.delete(write.delete)
    else batch.deleteRange(write.deleteRange)
  }
  return batch
}

/** Decides anew until nothing has changed what was decided on. Someone else's change was written each time. */
export const untilUnchanged = <A, E extends { readonly _tag: string }>(
  decision: Effect.Effect<A, E>
): Effect.Effect<A, E> => Effect.retry(decision, { while: (error) => error._tag === "Conflict" })
