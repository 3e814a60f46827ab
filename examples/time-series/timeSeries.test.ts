// Shows how to test what depends on time: TestClock passes hours in no time, and a model in memory says what must be there then.
// Run: npx vitest run examples/time-series
import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, FastCheck, Layer, Option, Stream, TestClock } from "effect"
import { LsmStore } from "effect-lsm"
import * as Testing from "effect-lsm/testing"
import { merge, ofValue } from "./rollup.js"
import { type Point, type Sample, type Settings, TimeSeries } from "./timeSeries.js"

const minute = 60_000
const hour = 60 * minute

const settings: Settings = {
  raw: "10 minutes",
  rollups: { minute: { every: "1 minute", keep: "1 hour" }, hour: { every: "1 hour", keep: Duration.infinity } }
}
const rollups = { minute: { every: minute, keep: hour }, hour: { every: hour, keep: Number.POSITIVE_INFINITY } }

const inMemory = Effect.provide(TimeSeries.layer(settings).pipe(Layer.provideMerge(LsmStore.layerMemory())))

const all = (series: string, resolution: string) =>
  Effect.flatMap(TimeSeries, ({ query }) =>
    Effect.map(
      Stream.runCollect(query({ series, from: 0, to: Number.POSITIVE_INFINITY, resolution })),
      (points): ReadonlyArray<Point> => Array.from(points)
    )
  )

/** What a series must have, as plain JavaScript says it. */
class Model {
  private readonly samples = new Map<string, Sample>()

  /** Returns how many samples are new; undefined if they are refused. */
  record(given: ReadonlyArray<Sample>, now: number): number | undefined {
    if (given.some(({ at }) => at <= now - 10 * minute)) return undefined
    const before = this.samples.size
    for (const sample of given) {
      const key = `${sample.at} ${sample.series}`
      // The last one of a key counts, but none that is there already.
      if (!this.samples.has(key))
        this.samples.set(key, given.findLast((other) => `${other.at} ${other.series}` === key)!)
    }
    return this.samples.size - before
  }

  raw(series: string, now: number): ReadonlyArray<Point> {
    return this.of(series)
      .filter(({ at }) => now < at + 10 * minute)
      .map(({ at, value }) => ({ at, ...ofValue(value) }))
  }

  rollup(series: string, now: number, { every, keep }: { readonly every: number; readonly keep: number }) {
    const buckets = new Map<number, Point>()
    for (const { at, value } of this.of(series)) {
      const begin = Math.floor(at / every) * every
      const bucket = buckets.get(begin)
      buckets.set(begin, { at: begin, ...(bucket === undefined ? ofValue(value) : merge(bucket, ofValue(value))) })
    }
    return [...buckets.values()].filter(({ at }) => now < at + every + keep)
  }

  private of(series: string): Array<Sample> {
    return [...this.samples.values()].filter((sample) => sample.series === series).sort((a, b) => a.at - b.at)
  }
}

type Command =
  | { readonly _tag: "Record"; readonly samples: ReadonlyArray<{ series: string; ago: number; value: number }> }
  | { readonly _tag: "Wait"; readonly millis: number }
  | { readonly _tag: "PowerCut" }

const command: FastCheck.Arbitrary<Command> = FastCheck.oneof(
  {
    weight: 6,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Record" as const),
      samples: FastCheck.array(
        FastCheck.record({
          series: FastCheck.constantFrom("a", "b"),
          // Whole seconds, so that some samples are sent twice; some are too old.
          ago: FastCheck.integer({ min: -2, max: 605 }).map((seconds) => seconds * 1000),
          value: FastCheck.integer({ min: -1000, max: 1000 })
        }),
        { maxLength: 12 }
      )
    })
  },
  {
    weight: 3,
    arbitrary: FastCheck.record({
      _tag: FastCheck.constant("Wait" as const),
      millis: FastCheck.oneof(FastCheck.integer({ min: 1, max: 120 }), FastCheck.integer({ min: 1, max: 7200 })).map(
        (seconds) => seconds * 1000
      )
    })
  },
  { weight: 1, arbitrary: FastCheck.record({ _tag: FastCheck.constant("PowerCut" as const) }) }
)

describe("a time series", () => {
  it.effect("has its samples for a while, and roll-ups of them for longer", () =>
    Effect.gen(function* () {
      const { query, record } = yield* TimeSeries
      yield* TestClock.setTime(hour)
      const samples = [1, 2, 6].map((value, i) => ({ series: "a", at: hour + i * 40_000, value }))
      yield* TestClock.adjust("2 minutes")
      expect(yield* record(samples)).toBe(3)
      expect(yield* record(samples)).toBe(0)
      expect(yield* all("a", "raw")).toHaveLength(3)
      const first = { at: hour, count: 2, sum: 3, min: 1, max: 2 }
      const second = { at: hour + minute, count: 1, sum: 6, min: 6, max: 6 }
      expect(yield* all("a", "minute")).toStrictEqual([first, second])
      const later = query({ series: "a", from: hour + 1, to: 2 * hour, resolution: "minute" })
      expect(yield* Stream.runHead(later)).toStrictEqual(Option.some(second))

      yield* TestClock.adjust("1 hour")
      expect(yield* all("a", "raw")).toStrictEqual([])
      expect(yield* all("a", "minute")).toStrictEqual([])
      expect(yield* all("a", "hour")).toStrictEqual([{ at: hour, count: 3, sum: 9, min: 1, max: 6 }])
    }).pipe(inMemory)
  )

  it.effect("refuses what it cannot count once, and resolutions that it does not have", () =>
    Effect.gen(function* () {
      const { query, record } = yield* TimeSeries
      yield* TestClock.setTime(hour)
      const samples = [hour, hour - 10 * minute].map((at) => ({ series: "a", at, value: 1 }))
      expect(yield* Effect.flip(record(samples))).toMatchObject({ _tag: "SampleTooOld", oldest: hour - 10 * minute })
      expect((yield* Effect.flip(record([{ series: "a", at: hour, value: Number.NaN }])))._tag).toBe("EncodeFailed")
      expect(yield* all("a", "hour")).toStrictEqual([])
      const unknown = query({ series: "a", from: 0, to: 1, resolution: "day" })
      expect((yield* Effect.flip(Stream.runDrain(unknown)))._tag).toBe("UnknownResolution")
    }).pipe(inMemory)
  )

  it.effect("needs roll-ups that outlive samples", () =>
    Effect.gen(function* () {
      const wrong = { raw: "1 hour", rollups: { minute: { every: "1 minute", keep: "59 minutes" } } } as const
      const opened = Effect.provide(TimeSeries, TimeSeries.layer(wrong).pipe(Layer.provide(LsmStore.layerMemory())))
      expect(yield* Effect.flip(opened)).toMatchObject({ _tag: "InvalidArgument", argument: "rollups" })
    })
  )

  const runs = FastCheck.sample(FastCheck.array(command, { minLength: 5, maxLength: 25 }), {
    numRuns: 15,
    seed: 20261130
  })
  it.effect.each(runs.map((commands, run) => ({ commands, run: run + 1 })))(
    "is what the model says, run $run",
    ({ commands }) =>
      Effect.gen(function* () {
        const machine = yield* Testing.makeMachine({ seed: commands.length })
        const session = Effect.provide(TimeSeries.layer(settings).pipe(Layer.provideMerge(machine.layer())))
        const model = new Model()
        let now = 100 * hour
        yield* TestClock.setTime(now)

        const check = Effect.gen(function* () {
          for (const series of ["a", "b"]) {
            expect(yield* all(series, "raw")).toStrictEqual(model.raw(series, now))
            expect(yield* all(series, "minute")).toStrictEqual(model.rollup(series, now, rollups.minute))
            expect(yield* all(series, "hour")).toStrictEqual(model.rollup(series, now, rollups.hour))
          }
        })
        /** Runs commands until the power goes, and returns those that are left. */
        const runSome = (commands: ReadonlyArray<Command>) =>
          Effect.gen(function* () {
            const { record } = yield* TimeSeries
            yield* check
            for (const [i, command] of commands.entries()) {
              if (command._tag === "PowerCut") return commands.slice(i + 1)
              if (command._tag === "Wait") {
                yield* TestClock.adjust(command.millis)
                now += command.millis
              } else {
                const samples = command.samples.map(({ ago, ...sample }) => ({ ...sample, at: now - ago }))
                const recorded = Effect.catchTag(record(samples), "SampleTooOld", () => Effect.succeed(undefined))
                expect(yield* recorded).toBe(model.record(samples, now))
              }
              yield* check
            }
            return []
          })
        let left: ReadonlyArray<Command> = commands
        while (left.length > 0) {
          left = yield* session(runSome(left))
          yield* machine.powerCut()
        }
      })
  )
})
