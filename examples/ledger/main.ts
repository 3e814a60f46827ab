// Shows an event-sourced ledger on the feed of changes. Kill it at any moment and start it again: it goes on.
// Run: npm run build && npx tsx --tsconfig examples/tsconfig.json examples/ledger/main.ts
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Effect, Layer, Stream } from "effect"
import { Keyspace, LsmStore } from "effect-lsm"
import { Ledger } from "./ledger.js"
import * as Model from "./model.js"
import { View } from "./view.js"

const people = ["Ada", "Barbara", "Edsger", "Grace"]
const euros = (cents: number) => (cents / 100).toFixed(2).padStart(9)

/** An entry that depends on its number alone, so that a second run posts the same ones. Two in five are deposits. */
const entryOf = (n: number): Model.Entry => {
  const to = people[n % people.length]!
  const from = n % 5 < 2 ? "bank" : people[(n + 1 + (n % 3)) % people.length]!
  const amount = ((n * 2_654_435_761) % 9_000) + 100
  return {
    id: `entry ${n}`,
    text: `${from} to ${to}`,
    lines: [
      { account: from, amount: -amount },
      { account: to, amount }
    ]
  }
}

const program = Effect.gen(function* () {
  const count = yield* Config.withDefault(Config.integer("ENTRIES"), 200)
  const ledger = yield* Ledger
  const view = yield* View
  const journal = yield* Keyspace.open(Model.Journal)
  yield* Console.log(`The journal has ${yield* journal.count()} events from before`)

  for (const name of ["bank", ...people]) {
    const opened = ledger.open(name, { mayOverdraw: name === "bank" })
    yield* Effect.catchTag(opened, "AccountExists", () => Effect.void)
  }
  const outcomes = yield* Effect.forEach(
    Array.from({ length: count }, (_, i) => entryOf(i + 1)),
    (entry) => ledger.post(entry).pipe(Effect.catchTag("Overdrawn", () => Effect.succeed("refused" as const))),
    { concurrency: 16 }
  )
  const refused = outcomes.filter((outcome) => outcome === "refused").length
  yield* Console.log(`Sent ${count} entries: ${refused} would have overdrawn an account`)

  const events = yield* journal.collect()
  const last = events.at(-1)!.key
  yield* view.follow.pipe(
    Stream.takeUntil((through) => through >= last),
    Stream.runDrain
  )
  const balances = yield* view.balances
  const folded = new Map<string, Model.Account>()
  for (const { value } of events) Model.apply(folded, value)
  const isSame = [...folded].every(([name, { balance }]) => balances.get(name) === balance)
  yield* Console.log(`The view ${isSame ? "is" : "is NOT"} what the ${events.length} events add up to`)

  for (const [name, balance] of balances) yield* Console.log(name.padEnd(10), euros(balance))
  yield* Console.log("Sum".padEnd(10), euros([...balances.values()].reduce((sum, balance) => sum + balance, 0)))
  yield* Console.log("The last lines of Ada's statement:")
  yield* view.statement("Ada").pipe(
    Stream.takeRight(5),
    Stream.runForEach(({ amount, balance, sequence, text }) =>
      Console.log(String(sequence).padStart(5), text.padEnd(18), euros(amount), euros(balance))
    )
  )
})

const Store = Layer.unwrapEffect(
  Effect.map(
    Config.withDefault(Config.string("DIRECTORY"), join(tmpdir(), "effect-lsm-examples", "ledger")),
    (directory) => LsmStore.layer({ directory })
  )
)

program.pipe(Effect.provide(Layer.merge(Ledger.layer, View.layer).pipe(Layer.provideMerge(Store))), NodeRuntime.runMain)
