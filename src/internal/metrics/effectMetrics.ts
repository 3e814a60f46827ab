import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as MetricBoundaries from "effect/MetricBoundaries"
import * as MetricKey from "effect/MetricKey"
import * as MetricKeyType from "effect/MetricKeyType"
import * as MetricLabel from "effect/MetricLabel"
import type * as MetricRegistry from "effect/MetricRegistry"
import * as MetricState from "effect/MetricState"
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"
import type { Buckets, Labels, Sample, SampleState, Series } from "./series.js"

export type Counter = Metric.Metric.Counter<number>
export type Gauge = Metric.Metric.Gauge<number>
export type Histogram = Metric.Metric.Histogram<number>

/** The keys of the metrics made here. */
const keys = new WeakMap<object, MetricKey.MetricKey.Untyped>()

const withKey = <M extends object>(key: MetricKey.MetricKey.Untyped, metric: M): M => {
  keys.set(metric, key)
  return metric
}

/** A counter, which never falls. */
export const counter = (name: string, description: string): Counter => {
  const key = MetricKey.counter(name, { description, incremental: true })
  return withKey(key, Metric.fromMetricKey(key))
}

export const gauge = (name: string, description: string): Gauge => {
  const key = MetricKey.gauge(name, { description })
  return withKey(key, Metric.fromMetricKey(key))
}

/** A histogram. Its first bucket ends at `first`, and each is twice as wide as the one before. */
export const histogram = (name: string, { first, count }: Buckets, description: string): Histogram => {
  const bounds = MetricBoundaries.exponential({ start: first, factor: 2, count })
  const key = MetricKey.histogram(name, bounds, description)
  return withKey(key, Metric.fromMetricKey(key))
}

export type Registry = MetricRegistry.MetricRegistry

/** The registry in which a program finds its metrics. */
export const currentRegistry: Effect.Effect<Registry> = Effect.sync(() => Metric.globalMetricRegistry)

const keyOf = (metric: Counter | Gauge | Histogram, labels: Labels): MetricKey.MetricKey.Untyped =>
  MetricKey.taggedWithLabels(
    keys.get(metric)!,
    labels.map(([name, value]) => MetricLabel.make(name, value))
  )

/** Finds or makes the series of a histogram. */
export const openSeries = (registry: Registry, metric: Histogram, labels: Labels): Series => {
  const key = keyOf(metric, labels)
  const { update } = registry.get(key)
  return { update, remove: () => forget(registry, key) }
}

/** Whether a metric is a counter. */
export const isCounter = (metric: Counter | Gauge): metric is Counter =>
  MetricKeyType.isCounterKey(keys.get(metric)!.keyType)

/** Makes a series whose value is read when it is asked for. */
export const openReading = (
  registry: Registry,
  metric: Counter | Gauge,
  labels: Labels,
  read: () => number
): Series => {
  const key = keyOf(metric, labels)
  const hook = registry.get(key)
  const stateOf = isCounter(metric) ? MetricState.counter : MetricState.gauge
  Object.assign(hook, { get: () => stateOf(read()) })
  return { update: hook.update, remove: () => forget(registry, key) }
}

/**
 * Removes a series from Effect's registry, which has no public way to remove one. The registry's map
 * is private: if it does not look as expected, the series stays.
 */
const forget = (registry: Registry, key: MetricKey.MetricKey.Untyped): void => {
  const map: unknown = Reflect.get(registry, "map")
  if (typeof map !== "object" || map === null || !(Symbol.for("effect/MutableHashMap") in map)) return
  MutableHashMap.remove(map as MutableHashMap.MutableHashMap<MetricKey.MetricKey.Untyped, unknown>, key)
}

/** Reads all series of a registry that this store could have written. */
export const readSeries = (registry: Registry): ReadonlyArray<Sample> =>
  registry.snapshot().flatMap(({ metricKey, metricState }) => {
    const state = stateOf(metricState)
    if (state === undefined) return []
    const labels = metricKey.tags.map(({ key, value }) => [key, value] as const)
    return [{ name: metricKey.name, description: Option.getOrUndefined(metricKey.description), labels, state }]
  })

const stateOf = (state: MetricState.MetricState.Untyped): SampleState | undefined => {
  if (MetricState.isCounterState(state)) return { type: "counter", value: state.count }
  if (MetricState.isGaugeState(state)) return { type: "gauge", value: state.value }
  if (!MetricState.isHistogramState(state)) return undefined
  return { type: "histogram", buckets: state.buckets, count: state.count, sum: state.sum }
}
