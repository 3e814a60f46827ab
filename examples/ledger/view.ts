// The view of a ledger, balances and statements, kept by a reader of the feed of changes.
import { Context, Effect, Layer, Option, Stream } from "effect"
import { Keyspace, type KeyspaceError, LsmStore, type OrderedStore, WriteBatch } from "effect-lsm"
import * as Model from "./model.js"

type Failure = OrderedStore.FeedError | KeyspaceError.KeyspaceError

export interface StatementLine {
  readonly sequence: number
  readonly text: string
  readonly amount: number
  readonly balance: number
}

export interface ViewService {
  /**
   * Keeps the view up to date, and emits the number of the last event that it has, whenever it has got more. It
   * goes on from where it was, whatever ended it. Run it once at a time.
   */
  readonly follow: Stream.Stream<number, Failure>
  readonly balances: Effect.Effect<ReadonlyMap<string, number>, Failure>
  readonly statement: (account: string) => Stream.Stream<StatementLine, Failure>
}

const make = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  const journal = yield* Keyspace.open(Model.Journal)
  const accounts = yield* Keyspace.open(Model.Accounts)
  const statements = yield* Keyspace.open(Model.Statements)
  const checkpoints = yield* Keyspace.open(Model.Checkpoints)

  const checkpoint = Effect.map(
    checkpoints.get("view"),
    Option.getOrElse(() => ({ through: 0, position: "" }))
  )

  /**
   * Adds events to the view, with the place in the feed. Both are in one batch, so the view never has an event twice,
   * and none is left out. Nobody need wait for the disk: what a power cut takes of the view is made again.
   */
  const add = (rows: ReadonlyArray<Keyspace.Row<number, Model.Event>>, position: string) =>
    Effect.gen(function* () {
      const before = yield* checkpoint
      const events = rows.filter(({ key }) => key > before.through)
      const names = [...new Set(events.flatMap(({ value }) => Model.accountsOf(value)))]
      const state = Model.found(names, yield* accounts.getMany(names))
      const batch = WriteBatch.make()
      for (const { key: sequence, value: event } of events) {
        const text = event._tag === "Posted" ? event.entry.text : ""
        for (const [line, { account, amount, balance }] of Model.apply(state, event).entries()) {
          yield* statements.putIn(batch, { account, sequence, line }, { text, amount, balance })
        }
      }
      for (const [name, account] of state) yield* accounts.putIn(batch, name, account)
      const through = events.at(-1)?.key ?? before.through
      yield* checkpoints.putIn(batch, "view", { through, position })
      yield* store.write(batch, { durability: "buffered" })
      return through
    })

  const followFrom = (position: string): Stream.Stream<number, Failure> =>
    Stream.mapEffect(journal.changes({ from: position }), ({ operations, position }) => {
      const rows = operations.flatMap((operation) => (operation._tag === "Put" ? [operation] : []))
      return add(rows, position)
    })

  /**
   * Takes what the view lacks from the journal, as of one moment, and follows the feed from there: for a view that is
   * new, or later than the history is kept. The place of that moment is recorded last, when nothing is lacking.
   */
  const begin = Stream.unwrap(
    Effect.gen(function* () {
      const before = yield* checkpoint
      const snapshot = yield* store.snapshot
      const position = yield* store.positionOf(snapshot)
      yield* journal.scan({ start: before.through + 1, snapshot }).pipe(
        Stream.grouped(64),
        Stream.runForEach((rows) => add(Array.from(rows), before.position))
      )
      const through = yield* add([], position)
      return Stream.concat(Stream.succeed(through), followFrom(position))
    }).pipe(Effect.scoped)
  )

  const follow: ViewService["follow"] = Stream.unwrap(
    Effect.map(checkpoint, ({ position, through }) =>
      position === "" ? begin : Stream.concat(Stream.succeed(through), followFrom(position))
    )
  ).pipe(
    Stream.catchTag("SequenceTooOld", () => begin),
    Stream.catchTag("FeedReset", () => begin)
  )

  const balances: ViewService["balances"] = Effect.map(
    accounts.collect(),
    (rows) => new Map(rows.map(({ key, value }) => [key, value.balance]))
  )

  const statement: ViewService["statement"] = (account) =>
    Stream.map(statements.scan({ prefix: { account } }), ({ key: { sequence }, value }) => ({ sequence, ...value }))

  return { follow, balances, statement }
})

export class View extends Context.Tag("View")<View, ViewService>() {
  static readonly layer = Layer.effect(View, make)
}
