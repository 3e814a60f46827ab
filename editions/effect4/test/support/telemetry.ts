import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** A metric in Effect's registry. */
export interface RegisteredMetric {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  /** The value of a counter or a gauge. Undefined for histograms. */
  readonly value: number | undefined
}

/** All metrics in the registry that programs have if they provide no other. */
export const registeredMetrics = (): ReadonlyArray<RegisteredMetric> =>
  Metric.snapshotUnsafe(Context.empty()).map((metric) => ({
    name: metric.id,
    labels: new Map(Object.entries(metric.attributes ?? {})),
    value: valueOf(metric)
  }))

const valueOf = (metric: Metric.Metric.Snapshot): number | undefined => {
  if (metric.type === "Counter") return Number(metric.state.count)
  return metric.type === "Gauge" ? Number(metric.state.value) : undefined
}

/** The count of a counter or a histogram of a store, as Effect reads it. */
export const countOf = <State extends { readonly count: number }>(
  metric: Metric.Metric<number, State>,
  store: string
): Effect.Effect<number> => {
  const labeled: Metric.Metric<number, State> = Metric.withAttributes(metric, { store })
  return Effect.map(Metric.value(labeled), ({ count }) => count)
}

export interface RecordedSpan {
  readonly name: string
  readonly attributes: ReadonlyMap<string, unknown>
  /** The name of the span that it is in. Undefined for a root. */
  readonly parent: string | undefined
  /** How the span has ended. Undefined while it lasts. */
  readonly exit: () => Exit.Exit<unknown, unknown> | undefined
}

const nameOf = (span: Tracer.AnySpan): string => (span._tag === "Span" ? span.name : "outside")

/** Runs an effect, and returns the spans that it has made. */
export const spansOf = <E, R>(effect: Effect.Effect<unknown, E, R>) =>
  Effect.suspend(() => {
    const spans: Array<RecordedSpan> = []
    const span: Tracer.Tracer["span"] = (options) => {
      const made = new Tracer.NativeSpan(options)
      spans.push({
        name: made.name,
        attributes: made.attributes,
        parent: Option.getOrUndefined(Option.map(made.parent, nameOf)),
        exit: () => (made.status._tag === "Ended" ? made.status.exit : undefined)
      })
      return made
    }
    return Effect.as(Effect.withTracer(effect, Tracer.make({ span })), spans)
  })
