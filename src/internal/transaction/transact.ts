import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import { InvalidArgument, type TransactionConflict, type WriteError } from "../../LsmError.js"
import type { Store } from "../../Store.js"
import { makeFiberValue } from "../effect/makeFiberValue.js"
import { type Access, accessOf } from "../engine/access.js"
import { commit } from "./commit.js"
import type { Options, Transaction, TransactionError } from "./models.js"
import { OpenTransaction } from "./openTransaction.js"
import { waitToRetry } from "./retry.js"

/** See `Transaction.transact`. */
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
    const { release, undo } = transaction.writes.savepoint()
    return Effect.onExit(
      Effect.suspend(() => program(transaction)),
      (exit) => Effect.sync(Exit.isSuccess(exit) ? release : undo)
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
