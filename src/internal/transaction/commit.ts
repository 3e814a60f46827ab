import * as Effect from "effect/Effect"
import { keyBytes } from "../../core/commit/keyText.js"
import { joinRanges, type TextRange } from "../../core/commit/recentWrites.js"
import { TransactionConflict, TransactionTooOld, type WriteError } from "../../LsmError.js"
import type { WriteOptions } from "../../Store.js"
import { make, type WriteBatch } from "../../WriteBatch.js"
import type { Access } from "../engine/access.js"
import type { OpenTransaction } from "./openTransaction.js"

/** So many records are compared with what was read between two turns of the event loop. */
const recordsPerTurn = 4096

type CommitError = WriteError | TransactionConflict | TransactionTooOld

/**
 * Writes what a transaction has written, if nothing that it has read was changed since its snapshot.
 * The last comparison and the write happen in one synchronous stretch. If many records came since
 * the snapshot, most of them are compared before it. Calls `onConflict` before it fails with a conflict.
 */
export const commit = (
  { engine, writes, conditions }: Access,
  transaction: OpenTransaction,
  options: WriteOptions | undefined,
  onConflict: () => void
): Effect.Effect<void, CommitError> => {
  const { sequence } = transaction.snapshot
  const { reads } = transaction
  const ranges = joinRanges(transaction.ranges)
  const hasRead = reads.size > 0 || ranges.length > 0
  /** Ranges were compared with all records up to here. */
  let compared = sequence

  const conflict = (key: string, isInRange: boolean): Effect.Effect<never, TransactionConflict> => {
    onConflict()
    return Effect.fail(new TransactionConflict({ key: keyBytes(key), isInRange }))
  }

  /** Compares ranges with the next records. */
  const compareRanges = (
    some: ReadonlyArray<TextRange>,
    most?: number
  ): Effect.Effect<never, CommitError> | undefined => {
    if (conditions.isForgotten(sequence)) {
      return Effect.fail(new TransactionTooOld({ directory: engine.parts.settings.directory }))
    }
    const found = conditions.writtenIn(some, compared, most)
    if (typeof found === "string") return conflict(found, true)
    compared = found
    return undefined
  }

  const decide = (): Effect.Effect<void, CommitError> | undefined => {
    if (hasRead) {
      const refused = compareRanges(ranges)
      if (refused !== undefined) return refused
      for (const key of reads) if (conditions.wasWritten(key, sequence)) return conflict(key, false)
    }
    // Its own record need not be kept for it.
    conditions.end(transaction.recorded)
    return undefined
  }

  const write: Effect.Effect<void, CommitError> = Effect.suspend(() => {
    if (ranges.length === 0 || conditions.recordsAfter(compared) <= recordsPerTurn) {
      return withScratch((batch) => {
        transaction.writes.addTo(batch)
        return writes.writeNow(batch, options, decide)
      })
    }
    return compareRanges(ranges, recordsPerTurn) ?? Effect.zipRight(engine.parts.storage.yieldToEventLoop, write)
  })
  return write
}

let scratch = make()

/** Memory of a larger batch is not kept. */
const largestScratch = 64 * 1024

/** Lends a batch, which is empty and must not be kept. */
const withScratch = <A>(use: (batch: WriteBatch) => A): A => {
  try {
    return use(scratch)
  } finally {
    if (scratch.byteLength > largestScratch) scratch = make()
    scratch.clear()
  }
}
