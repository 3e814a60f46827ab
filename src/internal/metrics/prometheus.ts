import * as Effect from "effect/Effect"
import { type Registry, readSeries } from "./effectMetrics.js"
import type { Labels, Sample, SampleState } from "./series.js"

/**
 * The metrics of one store, or of all, in Prometheus' text exposition format, version 0.0.4.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export const prometheusText = (registry: Registry, store?: string): Effect.Effect<string> =>
  Effect.sync(() => {
    const families = new Map<string, Array<Sample>>()
    for (const sample of readSeries(registry)) {
      const { name, labels } = sample
      if (!name.startsWith("lsm_") || !labels.some(isOf(store))) continue
      const family = families.get(name)
      if (family === undefined) families.set(name, [sample])
      else family.push(sample)
    }
    const lines: Array<string> = []
    for (const [name, samples] of [...families].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { description, state } = samples[0]!
      if (description !== undefined) lines.push(`# HELP ${name} ${description}`)
      lines.push(`# TYPE ${name} ${state.type}`)
      // Buckets stay in the order of their bounds, as the format wants them.
      const texts = samples.map(({ labels, state: own }) => linesOf(name, labelTexts(labels), own))
      for (const series of texts.sort(([a], [b]) => (a! < b! ? -1 : 1))) lines.push(...series)
    }
    return lines.length === 0 ? "" : `${lines.join("\n")}\n`
  })

/** Whether a label names this store, or any. */
const isOf =
  (store: string | undefined) =>
  ([key, value]: Labels[number]): boolean =>
    key === "store" && (store === undefined || value === store)

const labelTexts = (labels: Labels): ReadonlyArray<string> => labels.map(([key, value]) => `${key}="${escape(value)}"`)

const escape = (value: string): string => value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n")

const linesOf = (name: string, labels: ReadonlyArray<string>, state: SampleState): ReadonlyArray<string> => {
  const line = (suffix: string, value: number | bigint, ...extra: ReadonlyArray<string>) =>
    `${name}${suffix}{${[...labels, ...extra].join(",")}} ${value}`
  if (state.type !== "histogram") return [line("", state.value)]
  return [
    ...state.buckets.map(([bound, count]) => line("_bucket", count, `le="${Number.isFinite(bound) ? bound : "+Inf"}"`)),
    ...(state.buckets.some(([bound]) => bound === Number.POSITIVE_INFINITY)
      ? []
      : [line("_bucket", state.count, 'le="+Inf"')]),
    line("_count", state.count),
    line("_sum", state.sum)
  ]
}
