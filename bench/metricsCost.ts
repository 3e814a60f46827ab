/**
 * Measures what metrics cost on the hot paths: processor time of puts, gets and scans of a store with
 * metrics, of one whose metrics count nothing, and of one with metrics and a reader of its events.
 * Each run has a process of its own; the three alternate. Build first: `npm --prefix bench run
 * metrics` does. Options: `--rounds N`, `--entries N`.
 */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as LsmStore from "effect-lsm/LsmStore"
import * as Metrics from "effect-lsm/Metrics"
import type { Store } from "effect-lsm/Store"
import { bundle } from "./lib/bundle.js"
import { randomEntries } from "./lib/entries.js"
import { table } from "./lib/format.js"
import { runScript, withDirectory } from "./lib/process.js"
import { spread } from "./lib/statistics.js"

const contenders = ["without", "with", "with events"] as const
type Contender = (typeof contenders)[number]

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "10" }, entries: { type: "string", default: "200000" } }
})
const count = Number(options.entries)

/** Metrics that count nothing. */
const none = Effect.map(Metrics.make({ directory: "none" }), (metrics): Metrics.MetricsService => {
  const counter: Metrics.Counter = { value: 0, add: () => undefined }
  const histogram: Metrics.Histogram = { record: () => undefined }
  const silent = Object.entries(metrics).map(([name, member]) => {
    if (typeof member !== "object") return [name, member]
    if (Array.isArray(member)) return [name, member.map(() => counter)]
    return [name, "add" in member ? counter : histogram]
  })
  return Object.assign(Object.fromEntries(silent), {
    unsafeOpen: () => ({ show: () => undefined, closed: () => undefined })
  })
})

const open = (contender: Contender, directory: string) =>
  Effect.tap(
    LsmStore.make(
      {
        directory,
        durability: "buffered",
        memtableBytes: 128 * 1024 * 1024,
        ...(contender === "without" && { latencySampling: 1_000_000_000 })
      },
      contender === "without" ? { metrics: Layer.effect(Metrics.Metrics, none) } : {}
    ),
    (store) => (contender === "with events" ? Effect.forkScoped(Stream.runDrain(store.events)) : Effect.void)
  )

/** Milliseconds of processor time of all threads. */
const timed = <A, E>(work: Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    const from = process.cpuUsage()
    return Effect.map(work, () => {
      const { user, system } = process.cpuUsage(from)
      return (user + system) / 1000
    })
  })

const measure = (store: Store) =>
  Effect.gen(function* () {
    const { keyAt, valueAt } = randomEntries(count)
    const puts = Effect.gen(function* () {
      for (let i = 0; i < count; i++) yield* store.put(keyAt(i), valueAt(i))
    })
    const gets = Effect.gen(function* () {
      for (let i = 0; i < count; i++) yield* store.get(keyAt(i))
    })
    const scans = Effect.gen(function* () {
      for (let i = 0; i < 5; i++) yield* Stream.runDrain(store.scan())
    })
    const shortScans = Effect.gen(function* () {
      for (let i = 0; i < count; i += 10) yield* store.collect({ start: keyAt(i), limit: 10 })
    })
    const putting = yield* timed(puts)
    yield* gets
    const fromMemtable = yield* timed(gets)
    yield* store.compact()
    yield* gets
    const fromTables = yield* timed(gets)
    const short = yield* timed(shortScans)
    const long = yield* timed(scans)
    return {
      puts: putting,
      "gets, memtable": fromMemtable,
      "gets, tables": fromTables,
      "scans of ten": short,
      "scans of all": long
    }
  })

const [contender, directory] = positionals
if (contender !== undefined) {
  const figures = await Effect.flatMap(open(contender as Contender, directory!), measure).pipe(
    Effect.scoped,
    Effect.runPromise
  )
  process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0))
} else {
  const child = await bundle("metricsCost.ts")
  const runs = new Map<Contender, Array<Record<string, number>>>(contenders.map((name) => [name, []]))
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const name of contenders) {
      const figures = await withDirectory((folder) => {
        mkdirSync(join(folder, "store"))
        return runScript<Record<string, number>>(child, [name, join(folder, "store"), "--entries", String(count)])
      })
      runs.get(name)!.push(figures)
      console.error(round + 1, name, JSON.stringify(figures))
    }
  }
  const rows = Object.keys(runs.get("with")![0]!)
  const median = (name: Contender, row: string) => spread(runs.get(name)!.map((run) => run[row]!)).median
  const least = (name: Contender, row: string) => spread(runs.get(name)!.map((run) => run[row]!)).least
  const ratio = (name: Contender, row: string, of: typeof median) => (of(name, row) / of("without", row)).toFixed(3)
  console.log(
    `${count} entries, ${options.rounds} rounds, node ${process.version}: milliseconds of processor time, medians`
  )
  console.log(
    table([
      ["", ...contenders, "with / without", "by the least", "with events / without"],
      ...rows.map((row) => [
        row,
        ...contenders.map((name) => median(name, row).toFixed(0)),
        ratio("with", row, median),
        ratio("with", row, least),
        ratio("with events", row, median)
      ])
    ])
  )
}
