/**
 * Serializable transactions: programs that read and write a store as if they were alone.
 *
 * @since 3.1.0
 */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Stream from "effect/Stream"
import { makeFiberValue } from "./internal/effect/makeFiberValue.js"
import { type Access, accessOf } from "./internal/engine/access.js"
import { commit } from "./internal/transaction/commit.js"
import { OpenTransaction } from "./internal/transaction/openTransaction.js"
import { waitToRetry } from "./internal/transaction/retry.js"
import {
  InvalidArgument,
  type LimitExceeded,
  type ReadError,
  type TransactionConflict,
  type TransactionTooOld,
  type WriteError
} from "./LsmError.js"
import type { Bytes, CollectOptions, Entry, Expiry, Range, ScanOptions, Store, WriteOptions } from "./Store.js"
import type { WriteBatch } from "./WriteBatch.js"

/**
 * The store as a transaction sees it: as of one moment, with the transaction's own writes. Its
 * methods are those of `Store`, without the option `snapshot`. They fail with `InvalidArgument` when
 * the transaction has ended.
 *
 * Writes are kept in memory until the program ends.
 *
 * @since 3.1.0
 * @category models
 */
export interface Transaction {
  /** The `identity` of the store, as in `OrderedStore`. */
  readonly identity: object
  readonly get: (key: Bytes) => Effect.Effect<Option.Option<Uint8Array>, ReadError>
  readonly getString: (key: Bytes) => Effect.Effect<Option.Option<string>, ReadError>
  readonly getMany: (keys: Iterable<Bytes>) => Effect.Effect<Array<Option.Option<Uint8Array>>, ReadError>
  readonly has: (key: Bytes) => Effect.Effect<boolean, ReadError>
  readonly scan: (options?: Omit<ScanOptions, "snapshot">) => Stream.Stream<Entry, ReadError>
  readonly collect: (options?: Omit<CollectOptions, "snapshot">) => Effect.Effect<Array<Entry>, ReadError>
  readonly count: (range?: Range) => Effect.Effect<number, ReadError>
  /** A time to live begins now, not when the transaction is written. */
  readonly put: (key: Bytes, value: Bytes, expiry?: Expiry) => Effect.Effect<void, InvalidArgument | LimitExceeded>
  readonly delete: (key: Bytes) => Effect.Effect<void, InvalidArgument | LimitExceeded>
  /** Deletes all keys in a range. It is no read, so it conflicts with no other write. */
  readonly deleteRange: (range: Range) => Effect.Effect<void, InvalidArgument | LimitExceeded>
  /** Adds the operations of a batch, which must have no checks. */
  readonly write: (batch: WriteBatch) => Effect.Effect<void, InvalidArgument | LimitExceeded>
}

/**
 * Options of a transaction.
 *
 * @since 3.1.0
 * @category models
 */
export interface Options extends WriteOptions {
  /**
   * When to run the program again after a conflict. Default: at once, then after random times that
   * double up to 50 ms, 30 times in all. `Schedule.recurs(0)` never runs it again.
   */
  readonly retry?: Schedule.Schedule<unknown, TransactionConflict> | undefined
}

/**
 * The errors of a transaction besides those of its program.
 *
 * @since 3.1.0
 * @category models
 */
export type TransactionError = WriteError | TransactionConflict | TransactionTooOld

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
export const transact = <A, E, R>(
  store: Store,
  program: (transaction: Transaction) => Effect.Effect<A, E, R>,
  options?: Options
): Effect.Effect<A, E | TransactionError, R> =>
  Effect.flatMap(current.get, (outer) => {
    const access = accessOf(store)
    if (access === undefined) return refuse("store", "was not made by this library")
    if (typeof program !== "function") return refuse("program", "is not a function")
    if (options?.retry !== undefined && !Schedule.isSchedule(options.retry)) {
      return refuse("retry", "is not a Schedule")
    }
    const joined = outer.find((transaction) => transaction.joins(access))
    if (joined !== undefined) return within(joined, program)
    const conflicts = new Set<object>()
    const once = attempt(store, access, program, outer, options, conflicts)
    const isOwn = (error: E | TransactionError): error is TransactionConflict =>
      typeof error === "object" && error !== null && conflicts.has(error)
    const { retry } = options ?? {}
    if (retry !== undefined) {
      return Effect.retry(once, { schedule: retry as Schedule.Schedule<unknown, unknown>, while: isOwn })
    }
    const from = (retries: number): Effect.Effect<A, E | TransactionError, R> =>
      Effect.catchAll(once, (error) =>
        isOwn(error)
          ? Effect.flatMap(waitToRetry(retries), (again) => (again ? from(retries + 1) : Effect.fail(error)))
          : Effect.fail(error)
      )
    return from(1)
  })

const refuse = (argument: string, reason: string): Effect.Effect<never, InvalidArgument> =>
  Effect.fail(new InvalidArgument({ argument, reason }))

/** The open transactions of a fiber, one for each store. */
const current = makeFiberValue<ReadonlyArray<OpenTransaction>>([])

/** Runs the program once. Its conflict, if there is one, is put into `conflicts`. */
const attempt = <A, E, R>(
  store: Store,
  access: Access,
  program: (transaction: Transaction) => Effect.Effect<A, E, R>,
  outer: ReadonlyArray<OpenTransaction>,
  options: Options | undefined,
  conflicts: Set<object>
): Effect.Effect<A, E | TransactionError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(begin(store, access, restore, conflicts.size > 0), (transaction) => {
      const running = restore(Effect.suspend(() => program(transaction)))
      return Effect.matchCauseEffect(current.during(running, [...outer.filter(({ isOpen }) => isOpen), transaction]), {
        onFailure: (cause) => {
          end(access, transaction)
          return Effect.failCause(cause)
        },
        onSuccess: (result) => {
          // What a fiber that the program has left behind does now is too late.
          transaction.end()
          return Effect.matchCauseEffect(restore(commit(access, transaction, options, conflicts)), {
            onFailure: (cause) => {
              end(access, transaction)
              return Effect.failCause(cause)
            },
            onSuccess: () => {
              end(access, transaction)
              return Effect.succeed(result)
            }
          })
        }
      })
    })
  )

/** Runs a program in a transaction that is open already. If it fails, its writes are undone. */
const within = <A, E, R>(
  transaction: OpenTransaction,
  program: (transaction: Transaction) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const undo = transaction.writes.savepoint()
    return Effect.onError(
      Effect.suspend(() => program(transaction)),
      () => Effect.sync(undo)
    )
  })

const begin = (
  store: Store,
  access: Access,
  restore: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>,
  isRetry: boolean
): Effect.Effect<OpenTransaction, WriteError> =>
  Effect.suspend(() => {
    const { conditions, engine } = access
    const refusal = engine.readRefusal()
    if (refusal !== undefined) return Effect.fail(refusal)
    const unknown = conditions.untilKnown() ?? (isRetry ? conditions.untilSeen() : undefined)
    if (unknown !== undefined) return Effect.flatMap(restore(unknown), () => begin(store, access, restore, false))
    const transaction = new OpenTransaction(store, access, engine.takeSnapshot())
    conditions.begin(transaction, transaction.snapshot.sequence)
    return Effect.succeed(transaction)
  })

const end = ({ conditions, engine }: Access, transaction: OpenTransaction): void => {
  transaction.forget()
  conditions.end(transaction)
  engine.releaseSnapshot(transaction.snapshot)
}
