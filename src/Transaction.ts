/**
 * Serializable transactions: programs that read and write a store as if they were alone.
 *
 * @since 3.1.0
 */
import { transact as transactImpl } from "./internal/transaction/transact.js"

export type {
  /**
   * Options of a transaction.
   *
   * @since 3.1.0
   * @category models
   */
  Options,
  /**
   * The store as a transaction sees it: as of one moment, with the transaction's own writes.
   *
   * @since 3.1.0
   * @category models
   */
  Transaction,
  /**
   * The errors of a transaction besides those of its program.
   *
   * @since 3.1.0
   * @category models
   */
  TransactionError
} from "./internal/transaction/models.js"

/**
 * Runs a program as a transaction. All its reads see the store as of the moment when it began, with
 * its own writes. At its end the writes are written together, but only if no other write has changed
 * what it has read: keys that it got, absent ones too, and ranges that it has scanned, as far as it
 * scanned them. So transactions are serializable: each has the effect that it would have if it ran
 * alone, at the moment when it is written.
 *
 * After a conflict the program runs again (see `Options.retry`), so what it does besides reading and
 * writing must not matter twice. If it fails, dies or is interrupted, nothing is written. No lock is
 * held while it runs: other writes go on, and a long program only risks conflicts. A transaction
 * that only reads never conflicts.
 *
 * A call within the program of another transaction of the same store joins that one, also in fibers
 * that the program forks. It sees its writes, and is written with it, or not at all: that it returns
 * does not mean that anything is written yet. Its own options do not count. If it fails, its writes
 * are undone. Fibers of one transaction are not isolated from each other.
 *
 * What is read by the store itself, instead of by the transaction, is neither as of that moment nor
 * checked.
 *
 * Memory: what is written while transactions are open is remembered, by its keys, in at most 64 MiB.
 * A transaction that is open for more fails with `TransactionTooOld`. Its snapshot also keeps old
 * versions on disk.
 *
 * Optimistic concurrency control with backward validation is that of H. T. Kung and J. T. Robinson,
 * "On Optimistic Methods for Concurrency Control" (1981).
 *
 * @example
 * ```ts
 * import { Effect, Option } from "effect"
 * import { LsmStore, Transaction } from "effect-lsm"
 *
 * const amountOf = (value: Option.Option<string>) => Number(Option.getOrElse(value, () => "0"))
 *
 * const transfer = (from: string, to: string, amount: number) =>
 *   Effect.flatMap(LsmStore.LsmStore, (store) =>
 *     Transaction.transact(store, (tx) =>
 *       Effect.gen(function*() {
 *         yield* tx.put(from, String(amountOf(yield* tx.getString(from)) - amount))
 *         yield* tx.put(to, String(amountOf(yield* tx.getString(to)) + amount))
 *       })
 *     )
 *   )
 * ```
 *
 * @since 3.1.0
 * @category combinators
 */
export const transact: typeof transactImpl = transactImpl
