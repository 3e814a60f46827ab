import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import { InvalidArgument, type TransactionConflict } from "../../LsmError.js"
import type { Store } from "../../Store.js"
import { makeFiberValue } from "../effect/makeFiberValue.js"
import { type Access, accessOf } from "../engine/access.js"
import { commit } from "./commit.js"
import type { Options, Transaction, TransactionError } from "./models.js"
import { OpenTransaction } from "./openTransaction.js"
import { waitToRetry } from "./retry.js"

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

type Program<A, E, R> = (transaction: Transaction) => Effect.Effect<A, E, R>

/** See `Transaction.transact`. */
export const transact = <A, E, R>(
  store: Store,
  program: Program<A, E, R>,
  options?: Options
): Effect.Effect<A, E | TransactionError, R> =>
  current.with((outer) => {
    const access = accessOf(store)
    if (access === undefined) return refuse("store", "was not made by this library")
    if (typeof program !== "function") return refuse("program", "is not a function")
    if (options?.retry !== undefined && !Schedule.isSchedule(options.retry)) {
      return refuse("retry", "is not a Schedule")
    }
    const joined = outer.find((transaction) => transaction.joins(access))
    if (joined !== undefined) return within(joined, program)
    return new Attempts(store, access, program, outer, options).run()
  })

const refuse = (argument: string, reason: string): Effect.Effect<never, InvalidArgument> =>
  Effect.fail(new InvalidArgument({ argument, reason }))

/** The open transactions of a fiber, one for each store. */
const current = makeFiberValue<ReadonlyArray<OpenTransaction>>([])

/**
 * Runs a program in one transaction after another, until one has no conflict. A step of the run loop
 * costs as much as a read from memory, so the steps are few.
 */
class Attempts<A, E, R> {
  /**
   * Whether the last attempt ended in a conflict. The error itself does not tell: a program may fail with
   * a conflict of another transaction, and inside a span Effect passes on a proxy of an error.
   */
  private hasConflict = false

  constructor(
    private readonly store: Store,
    private readonly access: Access,
    private readonly program: Program<A, E, R>,
    private readonly outer: ReadonlyArray<OpenTransaction>,
    private readonly options: Options | undefined
  ) {}

  run(): Effect.Effect<A, E | TransactionError, R> {
    const { retry } = this.options ?? {}
    if (retry === undefined) return this.from(1)
    const schedule = retry as Schedule.Schedule<unknown, unknown>
    return Effect.retry(this.once, { schedule, while: () => this.hasConflict })
  }

  private from(retries: number): Effect.Effect<A, E | TransactionError, R> {
    return Effect.catchAll(this.once, (error) =>
      this.hasConflict
        ? Effect.flatMap(waitToRetry(retries), (again) => (again ? this.from(retries + 1) : Effect.fail(error)))
        : Effect.fail(error)
    )
  }

  private readonly once: Effect.Effect<A, E | TransactionError, R> = Effect.uninterruptibleMask((restore) => {
    const isRetry = this.hasConflict
    this.hasConflict = false
    return this.begin(restore, isRetry)
  })

  private readonly onConflict = (): void => {
    this.hasConflict = true
  }

  private begin(restore: Restore, isRetry: boolean): Effect.Effect<A, E | TransactionError, R> {
    const { access, store } = this
    const { conditions, engine } = access
    const refusal = engine.readRefusal()
    if (refusal !== undefined) return Effect.fail(refusal)
    const unknown = conditions.untilKnown() ?? (isRetry ? conditions.untilSeen() : undefined)
    if (unknown !== undefined) return Effect.flatMap(restore(unknown), () => this.begin(restore, false))
    const snapshot = engine.takeSnapshot()
    const transaction = new OpenTransaction(store, access, snapshot, conditions.begin(snapshot.sequence))
    return this.during(restore, transaction)
  }

  private during(restore: Restore, transaction: OpenTransaction): Effect.Effect<A, E | TransactionError, R> {
    const { access, outer, program } = this
    const open = outer.filter(({ isOpen }) => isOpen)
    const reset = current.set(outer)
    return Effect.flatMap(current.set([...open, transaction]), () =>
      Effect.matchCauseEffect(restore(Effect.suspend(() => program(transaction))), {
        onFailure: (cause) => {
          end(access, transaction)
          return Effect.zipRight(reset, Effect.failCause(cause))
        },
        onSuccess: (result) => {
          // What a fiber that the program has left behind does now is too late.
          transaction.end()
          return Effect.flatMap(reset, () => this.commit(restore, transaction, result))
        }
      })
    )
  }

  private commit(
    restore: Restore,
    transaction: OpenTransaction,
    result: A
  ): Effect.Effect<A, TransactionConflict | TransactionError> {
    const { access, onConflict, options } = this
    // What it has read is as of one moment, so it could have run alone then.
    if (transaction.writes.isEmpty) {
      end(access, transaction)
      return Effect.succeed(result)
    }
    return Effect.matchCauseEffect(restore(commit(access, transaction, options, onConflict)), {
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
}

/** Runs a program in a transaction that is open already. If it fails, its writes are undone. */
const within = <A, E, R>(transaction: OpenTransaction, program: Program<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const { release, undo } = transaction.writes.savepoint()
    return Effect.onExit(
      Effect.suspend(() => program(transaction)),
      (exit) => Effect.sync(Exit.isSuccess(exit) ? release : undo)
    )
  })

const end = ({ conditions, engine }: Access, transaction: OpenTransaction): void => {
  transaction.forget()
  conditions.end(transaction.recorded)
  engine.releaseSnapshot(transaction.snapshot)
}
