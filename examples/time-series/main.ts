// Shows samples that expire and roll-ups that stay: measures this process for some seconds, and prints what is kept of it.
// Run: npm run build && npx tsx --tsconfig examples/tsconfig.json examples/time-series/main.ts
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Clock, Config, Console, Duration, Effect, Layer, Stream } from "effect"
import { LsmStore } from "effect-lsm"
import { merge } from "./rollup.js"
import { type Point, TimeSeries } from "./timeSeries.js"

/** Short times, so that there is something to see. `settings` in timeSeries.ts has usual ones. */
const settings = {
  raw: "3 seconds",
  rollups: {
    second: { every: "1 second", keep: "5 minutes" },
    minute: { every: "1 minute", keep: Duration.infinity }
  }
} as const

/** Megabytes of memory, and how late a turn of the event loop was, in milliseconds. */
const measure = Effect.gen(function* () {
  const before = performance.now()
  yield* Effect.sleep("20 millis")
  const at = yield* Clock.currentTimeMillis
  return [
    { series: "memory", at, value: process.memoryUsage().rss / 2 ** 20 },
    { series: "lateness", at, value: performance.now() - before - 20 }
  ]
})

const row = ({ at, count, max, min, sum }: Point) => [
  new Date(at).toISOString(),
  String(count).padStart(5),
  ...[min, sum / count, max].map((n) => n.toFixed(2).padStart(9))
]

const program = Effect.gen(function* () {
  const seconds = yield* Config.withDefault(Config.integer("SECONDS"), 5)
  const { query, record } = yield* TimeSeries
  const begin = yield* Clock.currentTimeMillis
  yield* Console.log(`Measuring for ${seconds} seconds`)

  // Ten measurements are one write: one sync of the disk, and one merge for each roll-up.
  const ten = Effect.forEach(Array.from({ length: 10 }), () => measure)
  const recordTen = Effect.flatMap(ten, (samples) => record(samples.flat())).pipe(
    Effect.catchTag("SampleTooOld", ({ message }) => Console.log("Left out:", message))
  )
  yield* Effect.repeat(recordTen, { times: seconds * 5 - 1 })

  const to = Number.POSITIVE_INFINITY
  for (const series of ["memory", "lateness"]) {
    yield* Console.log(`\n${series}, each second: how many, least, mean, most`)
    yield* query({ series, from: begin - 1000, to, resolution: "second" }).pipe(
      Stream.runForEach((point) => Console.log(...row(point)))
    )
  }
  const minutes = yield* Stream.runCollect(query({ series: "memory", from: 0, to, resolution: "minute" }))
  const all: ReadonlyArray<Point> = Array.from(minutes)
  yield* Console.log(`\nmemory, ${all.length} minutes of all runs together`)
  yield* Console.log(...row(all.reduce((a, b) => ({ at: a.at, ...merge(a, b) }))))
  const raw = yield* Stream.runCount(query({ series: "memory", from: 0, to, resolution: "raw" }))
  yield* Console.log(`${raw} raw samples have not expired`)
})

const Store = Layer.unwrapEffect(
  Effect.map(
    Config.withDefault(Config.string("DIRECTORY"), join(tmpdir(), "effect-lsm-examples", "time-series")),
    (directory) => LsmStore.layer({ directory })
  )
)

program.pipe(Effect.provide(Layer.provide(TimeSeries.layer(settings), Store)), NodeRuntime.runMain)
