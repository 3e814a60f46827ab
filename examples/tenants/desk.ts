import { Clock, Effect, Schema } from "effect"
import { Keyspace, type KeyspaceError, type OrderedStore, type Store } from "effect-lsm"

const Ticket = Schema.Struct({ subject: Schema.String, filedAt: Schema.Number })
const Tickets = Keyspace.make({ name: "tickets", key: Schema.Number, value: Ticket })

export type Ticket = typeof Ticket.Type & { readonly number: number }
export type DeskError = OrderedStore.WriteError | KeyspaceError.KeyspaceError

/** The help desk of one tenant. */
export interface Desk {
  /** Files a ticket, and returns its number. The first is 1. A ticket that could not be written leaves a gap. */
  readonly file: (subject: string) => Effect.Effect<number, DeskError>
  /** The newest tickets, at most `limit`. */
  readonly newest: (limit: number) => Effect.Effect<ReadonlyArray<Ticket>, DeskError>
  readonly stats: Store.Store["stats"]
}

/** A store has one desk at a time, so the desk can hold the last number in memory. */
export const openDesk = (store: Store.Store) =>
  Effect.gen(function* () {
    const tickets = yield* Keyspace.openIn(store, Tickets)
    const [last] = yield* tickets.collect({ reverse: true, limit: 1 })
    let number = last?.key ?? 0

    const file: Desk["file"] = (subject) =>
      Effect.gen(function* () {
        const filedAt = yield* Clock.currentTimeMillis
        const own = ++number
        yield* tickets.put(own, { subject, filedAt })
        return own
      })

    const newest: Desk["newest"] = (limit) =>
      Effect.map(tickets.collect({ reverse: true, limit }), (rows) =>
        rows.map(({ key, value }) => ({ number: key, ...value }))
      )

    const desk: Desk = { file, newest, stats: store.stats }
    return desk
  })
