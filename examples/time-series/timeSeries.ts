// Samples that expire, and roll-ups of them that stay longer.
import { Clock, Context, Duration, Effect, Layer, Option, Schema, Stream } from "effect"
import { Keyspace, type KeyspaceError, LsmError, LsmStore, type OrderedStore, Transaction } from "effect-lsm"
import { merge, ofValue, Rollup } from "./rollup.js"

export interface Sample {
  readonly series: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly value: number
}

/** A sample, or the roll-up of those from `at` on. */
export interface Point extends Rollup {
  readonly at: number
}

/** How long samples and roll-ups are kept. `every` is how much time one roll-up covers. */
export interface Settings {
  readonly raw: Duration.DurationInput
  readonly rollups: Readonly<
    Record<string, { readonly every: Duration.DurationInput; readonly keep: Duration.DurationInput }>
  >
}

export const settings: Settings = {
  raw: "1 hour",
  rollups: {
    minute: { every: "1 minute", keep: "7 days" },
    hour: { every: "1 hour", keep: Duration.infinity }
  }
}

/** A sample is as old as samples get, so nobody could tell whether it was counted before. */
export class SampleTooOld extends Schema.TaggedError<SampleTooOld>("SampleTooOld")("SampleTooOld", {
  series: Schema.String,
  at: Schema.Number,
  oldest: Schema.Number
}) {}

export class UnknownResolution extends Schema.TaggedError<UnknownResolution>("UnknownResolution")("UnknownResolution", {
  resolution: Schema.String
}) {}

type Failure = OrderedStore.TransactionError | KeyspaceError.KeyspaceError

export interface TimeSeriesService {
  /**
   * Writes samples and merges them into the roll-ups, all or none. A sample that was there before is left out, so a
   * client may send its samples again. Returns how many were new.
   */
  readonly record: (samples: ReadonlyArray<Sample>) => Effect.Effect<number, SampleTooOld | Failure>
  /** Streams the points of a series from `from` to before `to`. The resolution is `"raw"` or that of a roll-up. */
  readonly query: (options: {
    readonly series: string
    readonly from: number
    readonly to: number
    readonly resolution: string
  }) => Stream.Stream<Point, UnknownResolution | Failure>
}

/** Keys are ordered by series, then by time: a range of time is a range of keys. */
const Key = Schema.Struct({ series: Schema.String, at: Schema.Number })
type Key = typeof Key.Type

const Samples = Keyspace.make({ name: "samples", key: Key, value: Schema.Finite })

const make = ({ raw, rollups }: Settings) =>
  Effect.gen(function* () {
    const store = yield* LsmStore.LsmStore
    const samples = yield* Keyspace.open(Samples)
    const keep = Duration.toMillis(raw)
    const resolutions = yield* Effect.forEach(Object.entries(rollups), ([name, rollup]) =>
      Effect.gen(function* () {
        const resolution = { name, every: Duration.toMillis(rollup.every), keep: Duration.toMillis(rollup.keep) }
        if (resolution.keep < keep) {
          const reason = `of "${name}" must be kept as long as samples, or late samples would begin them anew`
          return yield* new LsmError.InvalidArgument({ argument: "rollups", reason })
        }
        const rows = yield* Keyspace.open(Keyspace.make({ name: `rollups:${name}`, key: Key, value: Rollup }))
        return { ...resolution, rows }
      })
    )
    // Recordings at once often meet in one roll-up, and all but one would run again.
    const oneAtATime = (yield* Effect.makeSemaphore(1)).withPermits(1)

    const record: TimeSeriesService["record"] = (given) =>
      Transaction.transact(store, (tx) =>
        Effect.gen(function* () {
          // The transaction sees what had not expired when it began: all samples that are younger than this.
          const oldest = (yield* Clock.currentTimeMillis) - keep
          const late = given.find(({ at }) => at <= oldest)
          if (late !== undefined) return yield* new SampleTooOld({ series: late.series, at: late.at, oldest })
          const rows = yield* samples.within(tx)
          const known = yield* rows.getMany(given.map(({ at, series }) => ({ series, at })))
          const fresh = new Map(
            given
              .filter((_, i) => Option.isNone(known[i]!))
              .map((sample) => [`${sample.at} ${sample.series}`, sample] as const)
          )
          for (const { at, series, value } of fresh.values()) {
            yield* rows.put({ series, at }, value, { expiresAt: Math.ceil(at + keep) })
          }
          for (const { every, keep, rows } of resolutions) {
            const buckets = new Map<string, Key & { rollup: Rollup }>()
            for (const { at, series, value } of fresh.values()) {
              const begin = Math.floor(at / every) * every
              const bucket = buckets.get(`${begin} ${series}`)
              const rollup = bucket === undefined ? ofValue(value) : merge(bucket.rollup, ofValue(value))
              buckets.set(`${begin} ${series}`, { series, at: begin, rollup })
            }
            yield* mergeInto(yield* rows.within(tx), [...buckets.values()], every + keep)
          }
          return fresh.size
        })
      ).pipe(oneAtATime)

    const query: TimeSeriesService["query"] = ({ from, resolution, series, to }) => {
      const range = { start: { series, at: from }, end: { series, at: to } }
      if (resolution === "raw") {
        return Stream.map(samples.scan(range), ({ key: { at }, value }) => ({ at, ...ofValue(value) }))
      }
      const found = resolutions.find(({ name }) => name === resolution)
      if (found === undefined) return Stream.fail(new UnknownResolution({ resolution }))
      return Stream.map(found.rows.scan(range), ({ key: { at }, value }) => ({ at, ...value }))
    }

    return { record, query }
  })

/** Merges new roll-ups into those that are there. They expire some time after they begin. */
const mergeInto = (
  rows: Keyspace.Rows<Key, Rollup>,
  buckets: ReadonlyArray<Key & { readonly rollup: Rollup }>,
  lifetime: number
) =>
  Effect.gen(function* () {
    const before = yield* rows.getMany(buckets.map(({ at, series }) => ({ series, at })))
    for (const [i, { at, rollup, series }] of buckets.entries()) {
      const merged = Option.match(before[i]!, { onNone: () => rollup, onSome: (there) => merge(there, rollup) })
      const expiry = Number.isFinite(lifetime) ? { expiresAt: Math.ceil(at + lifetime) } : {}
      yield* rows.put({ series, at }, merged, expiry)
    }
  })

export class TimeSeries extends Context.Tag("TimeSeries")<TimeSeries, TimeSeriesService>() {
  static readonly layer = (options: Settings = settings) => Layer.effect(TimeSeries, make(options))
}
