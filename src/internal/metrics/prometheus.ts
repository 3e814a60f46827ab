import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as MetricPair from "effect/MetricPair"
import * as MetricState from "effect/MetricState"

/**
 * The metrics of one store in Prometheus' text exposition format, version 0.0.4.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export const prometheusText = (store: string): Effect.Effect<string> =>
  Effect.sync(() => {
    const families = new Map<string, Array<MetricPair.MetricPair.Untyped>>()
    for (const pair of Metric.unsafeSnapshot()) {
      const { name, tags } = pair.metricKey
      if (!name.startsWith("lsm_") || !tags.some(({ key, value }) => key === "store" && value === store)) continue
      families.set(name, [...(families.get(name) ?? []), pair])
    }
    const lines: Array<string> = []
    for (const [name, pairs] of [...families].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const first = pairs[0]!
      const { description } = first.metricKey
      if (description._tag === "Some") lines.push(`# HELP ${name} ${description.value}`)
      lines.push(`# TYPE ${name} ${typeOf(first.metricState)}`)
      // Buckets stay in the order of their bounds, as the format wants them.
      const samples = pairs.map(({ metricKey, metricState }) => samplesOf(name, labelsOf(metricKey.tags), metricState))
      for (const series of samples.sort(([a], [b]) => (a! < b! ? -1 : 1))) lines.push(...series)
    }
    return lines.length === 0 ? "" : `${lines.join("\n")}\n`
  })

type State = MetricPair.MetricPair.Untyped["metricState"]

const typeOf = (state: State): string =>
  MetricState.isCounterState(state) ? "counter" : MetricState.isHistogramState(state) ? "histogram" : "gauge"

const labelsOf = (tags: ReadonlyArray<{ readonly key: string; readonly value: string }>): ReadonlyArray<string> =>
  tags.map(({ key, value }) => `${key}="${escape(value)}"`)

const escape = (value: string): string => value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")

const samplesOf = (name: string, labels: ReadonlyArray<string>, state: State): ReadonlyArray<string> => {
  const sample = (suffix: string, value: number | bigint, ...extra: ReadonlyArray<string>) =>
    `${name}${suffix}{${[...labels, ...extra].join(",")}} ${value}`
  if (MetricState.isCounterState(state)) return [sample("", state.count)]
  if (MetricState.isGaugeState(state)) return [sample("", state.value)]
  if (!MetricState.isHistogramState(state)) return []
  return [
    ...state.buckets.map(([bound, count]) =>
      sample("_bucket", count, `le="${Number.isFinite(bound) ? bound : "+Inf"}"`)
    ),
    ...(state.buckets.some(([bound]) => bound === Number.POSITIVE_INFINITY)
      ? []
      : [sample("_bucket", state.count, 'le="+Inf"')]),
    sample("_count", state.count),
    sample("_sum", state.sum)
  ]
}
