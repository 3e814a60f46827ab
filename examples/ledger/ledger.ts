// The commands of a ledger. Each appends one event, if the events before allow it.
import { Context, Effect, Layer, Option, Schema } from "effect"
import { Keyspace, type KeyspaceError, LsmStore, type OrderedStore, Transaction } from "effect-lsm"
import * as Model from "./model.js"

type StoreError = OrderedStore.TransactionError | KeyspaceError.KeyspaceError

export interface LedgerService {
  readonly open: (
    account: string,
    options?: { readonly mayOverdraw?: boolean | undefined }
  ) => Effect.Effect<number, Model.AccountExists | StoreError>
  /** Returns the number of the event. An entry that was posted before is not posted again. */
  readonly post: (
    entry: Model.Entry
  ) => Effect.Effect<
    number,
    Model.Unbalanced | Model.UnknownAccount | Model.Overdrawn | Model.EntryDiffers | StoreError
  >
}

const isSame = Schema.equivalence(Model.Entry)

const make = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  const journal = yield* Keyspace.open(Model.Journal)
  const accounts = yield* Keyspace.open(Model.Accounts)
  const checkpoints = yield* Keyspace.open(Model.Checkpoints)
  // Commands at once would all take the next number, and all but one would run again.
  const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)

  /**
   * Accounts as they are now: those of the view, and the events that the view does not have yet. So the view may
   * be late, and checks are right all the same. The transaction sees all of it as of one moment.
   */
  const current = (tx: Transaction.Transaction, names: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const events = yield* journal.within(tx)
      const checkpoint = yield* Effect.flatMap(checkpoints.within(tx), (rows) => rows.get("view"))
      const through = Option.match(checkpoint, { onNone: () => 0, onSome: ({ through }) => through })
      const tail = yield* events.collect({ start: through + 1 })
      const touched = [...new Set([...names, ...tail.flatMap(({ value }) => Model.accountsOf(value))])]
      const state = Model.found(touched, yield* Effect.flatMap(accounts.within(tx), (rows) => rows.getMany(touched)))
      for (const { value } of tail) Model.apply(state, value)
      return { events, state, next: (tail.at(-1)?.key ?? through) + 1 }
    })

  const open: LedgerService["open"] = (account, { mayOverdraw = false } = {}) =>
    Transaction.transact(store, (tx) =>
      Effect.gen(function* () {
        const { events, next, state } = yield* current(tx, [account])
        if (state.has(account)) return yield* new Model.AccountExists({ account })
        yield* events.put(next, { _tag: "Opened", account, mayOverdraw })
        return next
      })
    ).pipe(oneAtATime)

  const post: LedgerService["post"] = (entry) =>
    Transaction.transact(store, (tx) =>
      Effect.gen(function* () {
        const { id, lines } = entry
        const sum = lines.reduce((sum, { amount }) => sum + amount, 0)
        if (sum !== 0) return yield* new Model.Unbalanced({ id, sum })
        const names = [...new Set(lines.map(({ account }) => account))]
        const { events, next, state } = yield* current(tx, names)
        const known = yield* Effect.flatMap(events.by(Model.byEntry), (entries) => entries.get(id))
        if (Option.isSome(known)) {
          const { key, value } = known.value
          if (value._tag === "Posted" && isSame(value.entry, entry)) return key
          return yield* new Model.EntryDiffers({ id })
        }
        for (const account of names) if (!state.has(account)) return yield* new Model.UnknownAccount({ account })
        const event = { _tag: "Posted", entry } as const
        Model.apply(state, event)
        for (const account of names) {
          const { balance, mayOverdraw } = state.get(account)!
          if (balance < 0 && !mayOverdraw) return yield* new Model.Overdrawn({ account, balance })
        }
        yield* events.put(next, event)
        return next
      })
    ).pipe(oneAtATime)

  return { open, post }
})

export class Ledger extends Context.Tag("Ledger")<Ledger, LedgerService>() {
  static readonly layer = Layer.effect(Ledger, make)
}
