// Shows how to test what must survive crashes: the machine of `effect-lsm/testing` loses its power at any operation of its disk.
// Run: npx vitest run examples/ledger
import { describe, expect, it } from "@effect/vitest"
import { Effect, FastCheck, Layer, Logger, LogLevel, Stream } from "effect"
import { Keyspace, LsmStore, type OrderedStore, WriteBatch } from "effect-lsm"
import * as Testing from "effect-lsm/testing"
import { Ledger } from "./ledger.js"
import * as Model from "./model.js"
import { View } from "./view.js"

const services = Layer.merge(Ledger.layer, View.layer)
const inMemory = Effect.provide(services.pipe(Layer.provideMerge(LsmStore.layerMemory())))

const transfer = (id: string, from: string, to: string, amount: number): Model.Entry => ({
  id,
  text: id,
  lines: [
    { account: from, amount: -amount },
    { account: to, amount }
  ]
})

const followTo = (last: number) =>
  Effect.flatMap(View, ({ follow }) => Stream.runDrain(Stream.takeUntil(follow, (through) => through >= last)))

/** Checks that the view is the fold of all events, and that the events keep the rules. Returns the events. */
const checkAll = Effect.gen(function* () {
  const view = yield* View
  const journal = yield* Keyspace.open(Model.Journal)
  const events = yield* journal.collect()
  expect(events.map(({ key }) => key)).toStrictEqual(events.map((_, i) => i + 1))
  yield* followTo(events.length)
  const accounts = new Map<string, Model.Account>()
  const statements = new Map<string, Array<object>>()
  for (const { key: sequence, value: event } of events) {
    const text = event._tag === "Posted" ? event.entry.text : ""
    for (const { account, ...line } of Model.apply(accounts, event)) {
      statements.set(account, [...(statements.get(account) ?? []), { sequence, text, ...line }])
    }
    for (const { balance, mayOverdraw } of accounts.values()) expect(mayOverdraw || balance >= 0).toBe(true)
  }
  const balances = yield* view.balances
  expect([...balances].sort()).toStrictEqual([...accounts].map(([name, { balance }]) => [name, balance]).sort())
  expect([...balances.values()].reduce((sum, balance) => sum + balance, 0)).toBe(0)
  for (const name of accounts.keys()) {
    const statement = yield* Stream.runCollect(view.statement(name))
    expect(Array.from(statement)).toStrictEqual(statements.get(name) ?? [])
  }
  return events
})

describe("the ledger", () => {
  it.effect("posts an entry once, and refuses what breaks a rule", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      yield* ledger.open("bank", { mayOverdraw: true })
      yield* ledger.open("ada")
      expect((yield* Effect.flip(ledger.open("ada")))._tag).toBe("AccountExists")
      expect(yield* ledger.post(transfer("1", "bank", "ada", 100))).toBe(3)
      expect(yield* ledger.post(transfer("1", "bank", "ada", 100))).toBe(3)
      expect((yield* Effect.flip(ledger.post(transfer("1", "bank", "ada", 101))))._tag).toBe("EntryDiffers")
      const overdrawn = yield* Effect.flip(ledger.post(transfer("2", "ada", "bank", 101)))
      expect(overdrawn).toMatchObject({ _tag: "Overdrawn", account: "ada", balance: -1 })
      expect((yield* Effect.flip(ledger.post(transfer("3", "bank", "bob", 1))))._tag).toBe("UnknownAccount")
      const lines = [{ account: "ada", amount: 1 }]
      expect(yield* Effect.flip(ledger.post({ id: "4", text: "", lines }))).toMatchObject({
        _tag: "Unbalanced",
        sum: 1
      })
      expect((yield* Effect.flip(ledger.post(transfer("5", "bank", "ada", 0.5))))._tag).toBe("EncodeFailed")
      expect(yield* checkAll).toHaveLength(3)
    }).pipe(inMemory)
  )

  it.effect("checks commands whether the view has the events before or not", () =>
    Effect.gen(function* () {
      const ledger = yield* Ledger
      yield* ledger.open("bank", { mayOverdraw: true })
      yield* ledger.open("ada")
      yield* ledger.post(transfer("1", "bank", "ada", 2))
      yield* followTo(3)
      yield* ledger.post(transfer("2", "ada", "bank", 1))
      const both = [ledger.post(transfer("3", "ada", "bank", 1)), ledger.post(transfer("4", "ada", "bank", 1))]
      const outcomes = yield* Effect.all(
        both.map((post) => Effect.match(post, { onFailure: ({ _tag }) => _tag, onSuccess: String })),
        { concurrency: "unbounded" }
      )
      expect(outcomes).toStrictEqual(["5", "Overdrawn"])
      yield* checkAll
    }).pipe(inMemory)
  )

  it.effect("makes the view from the journal when the feed does not go back so far", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.LsmStore
      const ledger = yield* Ledger
      const checkpoints = yield* Keyspace.open(Model.Checkpoints)
      yield* ledger.open("bank", { mayOverdraw: true })
      yield* ledger.open("ada")
      yield* followTo(2)
      for (let i = 0; i < 100; i++) yield* ledger.post(transfer(String(i), "bank", "ada", i + 1))
      // Flushed memtables have no log, and by default that is the end of the history.
      yield* store.compact()
      yield* store.put("other", "write")
      yield* checkAll
      // A place in the history of another store, as after a restore from a backup.
      const batch = WriteBatch.make()
      yield* checkpoints.putIn(batch, "view", { through: 102, position: yield* positionElsewhere })
      yield* store.write(batch)
      yield* ledger.post(transfer("last", "bank", "ada", 1))
      expect(yield* checkAll).toHaveLength(103)
    }).pipe(inMemory)
  )

  const command = FastCheck.record({
    from: FastCheck.constantFrom("bank", "ada", "bob"),
    to: FastCheck.constantFrom("bank", "ada", "bob"),
    amount: FastCheck.integer({ min: 1, max: 100 })
  })

  it.live(
    "has each acknowledged entry once after power cuts at any operation, and the view is what they add up to",
    () =>
      Effect.promise(() =>
        FastCheck.assert(
          FastCheck.asyncProperty(
            FastCheck.array(command, { minLength: 1, maxLength: 20 }),
            FastCheck.array(FastCheck.integer({ min: 1, max: 200 }), { maxLength: 3 }),
            FastCheck.nat(),
            (commands, cuts, seed) => Effect.runPromise(survive(commands, cuts, seed))
          ),
          { seed: 20261130, numRuns: 12 }
        )
      )
  )
})

/** The position of a store that is not the one under test. */
const positionElsewhere = Effect.gen(function* () {
  const other = yield* LsmStore.makeMemory()
  return yield* other.positionOf(yield* other.snapshot)
}).pipe(Effect.scoped)

const survive = (
  commands: ReadonlyArray<{ readonly from: string; readonly to: string; readonly amount: number }>,
  cuts: ReadonlyArray<number>,
  seed: number
) =>
  Effect.gen(function* () {
    const machine = yield* Testing.makeMachine({ seed })
    const session = <A, E>(use: Effect.Effect<A, E, Ledger | View | OrderedStore.OrderedStore>) =>
      use.pipe(Effect.provide(services.pipe(Layer.provideMerge(machine.layer()))))
    const acknowledged = new Map<string, number>()

    const work = Effect.gen(function* () {
      const ledger = yield* Ledger
      for (const name of ["bank", "ada", "bob"]) {
        const opened = ledger.open(name, { mayOverdraw: name === "bank" })
        yield* Effect.catchTag(opened, "AccountExists", () => Effect.void)
      }
      for (const [i, { amount, from, to }] of commands.entries()) {
        const id = String(i)
        const post = Effect.map(ledger.post(transfer(id, from, to, amount)), (sequence) => {
          expect(acknowledged.get(id) ?? sequence).toBe(sequence)
          acknowledged.set(id, sequence)
        })
        yield* Effect.catchTag(post, "Overdrawn", () => Effect.void)
      }
    })
    const following = Effect.flatMap(View, ({ follow }) => Stream.runDrain(follow))

    for (const after of cuts) {
      // The disk refuses everything from here on, and then the power goes: the machine stops at this operation.
      yield* machine.fail({ operation: "any", after, times: Number.POSITIVE_INFINITY })
      yield* Effect.ignore(session(Effect.raceFirst(work, following)))
      yield* machine.powerCut()
    }
    yield* session(work)
    const events = yield* session(checkAll)
    for (const [id, sequence] of acknowledged) {
      expect(events[sequence - 1]!.value).toMatchObject({ _tag: "Posted", entry: { id } })
    }
    // A store says in the log that its disk failed.
  }).pipe(Logger.withMinimumLogLevel(LogLevel.None))
