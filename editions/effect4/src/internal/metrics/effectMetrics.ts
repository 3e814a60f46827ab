import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Buckets, Labels, Sample, SampleState, Series } from "./series.js"

export type Counter = Metric.Counter<number>
export type Gauge = Metric.Gauge<number>
export type Histogram = Metric.Histogram<number>

/** A counter, which never falls. */
export const counter = (name: string, description: string): Counter =>
  Metric.counter(name, { description, incremental: true })

export const gauge = (name: string, description: string): Gauge => Metric.gauge(name, { description })

/** A histogram. Its first bucket ends at `first`, and each is twice as wide as the one before. */
export const histogram = (name: string, { first, count }: Buckets, description: string): Histogram =>
  Metric.histogram(name, {
    description,
    boundaries: Metric.exponentialBoundaries({ start: first, factor: 2, count })
  })

export type Registry = typeof Metric.MetricRegistry.Service

/** The registry in which a program finds its metrics. */
export const currentRegistry: Effect.Effect<Registry> = Effect.service(Metric.MetricRegistry)

/** Nothing but the registry: the attributes of the program that opens a store are not the store's. */
const contextOf = (registry: Registry): Context.Context<never> => Context.make(Metric.MetricRegistry, registry)

/** Whether a metric is a counter. */
export const isCounter = (metric: Counter | Gauge): metric is Counter => metric.type === "Counter"

/** Makes the series of a histogram. */
export const openSeries = (registry: Registry, metric: Histogram, labels: Labels): Series => {
  const labeled = Metric.withAttributes(metric, Object.fromEntries(labels))
  const context = contextOf(registry)
  return {
    update: (n) => labeled.updateUnsafe(n, context),
    remove: () => Metric.removeUnsafe(labeled, context)
  }
}

/** Makes a series whose value is read when it is asked for. */
export const openReading = (
  registry: Registry,
  metric: Counter | Gauge,
  labels: Labels,
  read: () => number
): Series => {
  const context = contextOf(registry)
  const attributes = Object.fromEntries(labels)
  const update = (): void => undefined
  const { remove } = isCounter(metric)
    ? Metric.registerUnsafe(Metric.withAttributes(metric, attributes) as Counter, context, {
        get: () => ({ count: read(), incremental: true }),
        update,
        modify: update
      })
    : Metric.registerUnsafe(Metric.withAttributes(metric, attributes), context, {
        get: () => ({ value: read() }),
        update,
        modify: update
      })
  return { update, remove }
}

/** Reads all series of a registry that this store could have written. */
export const readSeries = (registry: Registry): ReadonlyArray<Sample> =>
  Metric.snapshotUnsafe(contextOf(registry)).flatMap((series) => {
    const state = stateOf(series)
    if (state === undefined) return []
    const { id, description, attributes = {} } = series
    return [{ name: id, description, labels: Object.entries(attributes), state }]
  })

const stateOf = (series: Metric.Metric.Snapshot): SampleState | undefined => {
  switch (series.type) {
    case "Counter":
      return { type: "counter", value: series.state.count }
    case "Gauge":
      return { type: "gauge", value: series.state.value }
    case "Histogram":
      return { type: "histogram", ...series.state }
    default:
      return undefined
  }
}
