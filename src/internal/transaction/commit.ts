import * as Effect from "effect/Effect"
import { keyBytes } from "../../core/commit/keyText.js"
import { TransactionConflict, TransactionTooOld, type WriteError } from "../../LsmError.js"
import type { WriteOptions } from "../../Store.js"
import type { Access } from "../engine/access.js"
import type { OpenTransaction } from "./openTransaction.js"

/**
 * Writes what a transaction has written, if nothing that it has read was changed since its snapshot.
 * Both happen in one synchronous stretch. A conflict is put into `conflicts`.
 */
export const commit = (
  { engine, writes, conditions }: Access,
  transaction: OpenTransaction,
  options: WriteOptions | undefined,
  conflicts: WeakSet<object>
): Effect.Effect<void, WriteError | TransactionConflict | TransactionTooOld> => {
  // What it has read is as of one moment, so it could have run alone then.
  if (transaction.writes.isEmpty) return Effect.void
  const { sequence } = transaction.snapshot
  const conflict = (key: string, isInRange: boolean) => {
    const error = new TransactionConflict({ key: keyBytes(key), isInRange })
    conflicts.add(error)
    return Effect.fail(error)
  }
  const decide = (): Effect.Effect<void, TransactionConflict | TransactionTooOld> | undefined => {
    const { reads, ranges } = transaction
    if (reads.size === 0 && ranges.length === 0) return undefined
    if (conditions.isForgotten(sequence)) {
      return Effect.fail(new TransactionTooOld({ directory: engine.parts.settings.directory }))
    }
    for (const key of reads) {
      if (conditions.wasWritten(key, sequence)) return conflict(key, false)
    }
    for (const range of ranges) {
      const key = conditions.writtenIn(range, sequence)
      if (key !== undefined) return conflict(key, true)
    }
    return undefined
  }
  return Effect.suspend(() => writes.writeNow(transaction.writes.toBatch(), options, decide))
}
