/**
 * Measures what metrics cost on the hot paths: processor time of puts, gets and scans of a store with
 * metrics, of two whose metrics count nothing, and of one with metrics and a reader of its events;
 * and nanoseconds of the parts: a counter, a histogram, and the time, of which a sample takes two.
 *
 * All stores are open in one process and take turns after a few thousand operations, in alternating
 * order, so that what else the machine does meets all of them. `npm --prefix bench run metrics`;
 * options: `--rounds N`, `--slice N`.
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

const contenders = ["without", "without again", "with", "with events"] as const
type Contender = (typeof contenders)[number]

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "40" }, slice: { type: "string", default: "5000" } }
})
const [rounds, slice] = [Number(options.rounds), Number(options.slice)]
const count = rounds * slice
/** The first rounds compile the code. */
const warmUp = Math.ceil(rounds / 4)

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

const isWithout = (contender: Contender): boolean => contender.startsWith("without")

const open = (contender: Contender, directory: string) =>
  Effect.tap(
    LsmStore.make(
      {
        directory,
        durability: "buffered",
        memtableBytes: 128 * 1024 * 1024,
        ...(isWithout(contender) && { latencySampling: 1_000_000_000 })
      },
      isWithout(contender) ? { metrics: Layer.effect(Metrics.Metrics, none) } : {}
    ),
    (store) => (contender === "with events" ? Effect.forkScoped(Stream.runDrain(store.events)) : Effect.void)
  )

/** Milliseconds of processor time. */
const timed = <A, E>(work: Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    const from = process.cpuUsage()
    return Effect.map(work, () => {
      const { user, system } = process.cpuUsage(from)
      return (user + system) / 1000
    })
  })

const { keyAt, valueAt } = randomEntries(count)

/** A part of a row's work: the entries from `from` on. */
type Work = (store: Store, from: number) => Effect.Effect<void, unknown>

const puts: Work = (store, from) =>
  Effect.gen(function* () {
    for (let i = from; i < from + slice; i++) yield* store.put(keyAt(i), valueAt(i))
  })
const gets: Work = (store, from) =>
  Effect.gen(function* () {
    for (let i = from; i < from + slice; i++) yield* store.get(keyAt(i))
  })
const shortScans: Work = (store, from) =>
  Effect.gen(function* () {
    for (let i = from; i < from + slice / 10; i++) yield* store.collect({ start: keyAt(i), limit: 10 })
  })
const longScans: Work = (store, from) => Stream.runDrain(store.scan({ start: keyAt(from), limit: slice }))

const program = (directory: string) =>
  Effect.gen(function* () {
    const stores = new Map<Contender, Store>()
    for (const [i, name] of contenders.entries()) {
      mkdirSync(join(directory, String(i)), { recursive: true })
      stores.set(name, yield* open(name, join(directory, String(i))))
    }
    /** The milliseconds of each slice, by contender. */
    const measure = (work: Work) =>
      Effect.gen(function* () {
        const times = new Map<Contender, Array<number>>(contenders.map((name) => [name, []]))
        for (let round = 0; round < rounds; round++) {
          const first = round % contenders.length
          for (const name of [...contenders.slice(first), ...contenders.slice(0, first)]) {
            const millis = yield* timed(work(stores.get(name)!, round * slice))
            if (round >= warmUp) times.get(name)!.push(millis)
          }
        }
        return Object.fromEntries(times)
      })
    const putting = yield* measure(puts)
    const fromMemtable = yield* measure(gets)
    for (const store of stores.values()) yield* store.compact()
    return {
      puts: putting,
      "gets, memtable": fromMemtable,
      "gets, tables": yield* measure(gets),
      "scans of ten": yield* measure(shortScans),
      "scans of thousands": yield* measure(longScans)
    }
  }).pipe(Effect.scoped)

/** Nanoseconds of the parts that metrics are made of; the median of nine loops. */
const parts = Effect.map(Metrics.make({ directory: "parts" }), (metrics) => {
  metrics.unsafeOpen({} as Metrics.Gauges, () => undefined)
  const nanos = (loops: number, once: (i: number) => void): number => {
    const times = Array.from({ length: 11 }, () => {
      const from = process.cpuUsage()
      for (let i = 0; i < loops; i++) once(i)
      const { system, user } = process.cpuUsage(from)
      return ((user + system) * 1000) / loops
    })
    // The first two compile the code.
    return spread(times.slice(2)).median
  }
  let sum = 0
  const found = {
    "a counter": nanos(10_000_000, () => metrics.gets.add(1)),
    "a histogram": nanos(1_000_000, (i) => metrics.getLatency.record((i % 1000) / 1e7)),
    "the time": nanos(1_000_000, () => {
      sum += metrics.unsafeNow()
    })
  }
  // So that the loop is not dropped.
  if (Number.isNaN(sum)) throw new Error("no time")
  return found
})

type Found = Record<string, Record<Contender, Array<number>>>
const processes = 5

const print = (result: unknown) => process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
const [what, directory] = positionals
if (what === "parts") print(await Effect.runPromise(parts))
else if (what === "stores") print(await Effect.runPromise(program(directory!)))
else {
  const child = await bundle("metricsCost.ts")
  const nanos = await runScript<Record<string, number>>(child, ["parts"])
  for (const [name, value] of Object.entries(nanos)) console.log(`${name}: ${value.toFixed(1)} ns`)
  const found: Found = {}
  for (let run = 0; run < processes; run++) {
    const more = await withDirectory((folder) =>
      runScript<Found>(child, ["stores", folder, "--rounds", String(rounds), "--slice", String(slice)])
    )
    for (const [row, times] of Object.entries(more)) {
      found[row] ??= { without: [], "without again": [], with: [], "with events": [] }
      for (const name of contenders) found[row][name].push(...times[name])
    }
  }
  const micros = (times: ReadonlyArray<number>) => ((spread(times).median * 1000) / slice).toFixed(2)
  /**
   * The median of the ratios of slices that were measured beside each other. The ratio of the two without
   * metrics shows what chance does.
   */
  const ratio = (times: Record<Contender, Array<number>>, name: Contender) =>
    spread(
      times[name].map((millis, i) => (millis * 2) / (times.without[i]! + times["without again"][i]!))
    ).median.toFixed(3)
  console.log(
    `\n${processes} processes, ${rounds - warmUp} rounds of ${slice} entries, node ${process.version}: µs of processor time for an entry`
  )
  console.log(
    table([
      ["", ...contenders, "again, ratio", "with, ratio", "with events, ratio"],
      ...Object.entries(found).map(([row, times]) => [
        row,
        ...contenders.map((name) => micros(times[name])),
        ratio(times, "without again"),
        ratio(times, "with"),
        ratio(times, "with events")
      ])
    ])
  )
}
