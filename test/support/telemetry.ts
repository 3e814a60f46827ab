import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Metric from "effect/Metric"
import * as MetricState from "effect/MetricState"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** A metric in Effect's registry. */
export interface RegisteredMetric {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  /** The value of a counter or a gauge. Undefined for histograms. */
  readonly value: number | undefined
}

/** All metrics in Effect's registry. */
export const registeredMetrics = (): ReadonlyArray<RegisteredMetric> =>
  Metric.unsafeSnapshot().map(({ metricKey, metricState }) => ({
    name: metricKey.name,
    labels: new Map(metricKey.tags.map(({ key, value }) => [key, value])),
    value: valueOf(metricState)
  }))

const valueOf = (state: MetricState.MetricState.Untyped): number | undefined => {
  if (MetricState.isCounterState(state)) return Number(state.count)
  return MetricState.isGaugeState(state) ? Number(state.value) : undefined
}

/** The count of a counter or a histogram of a store, as Effect reads it. */
export const countOf = <Type, State extends { readonly count: number }>(
  metric: Metric.Metric<Type, number, State>,
  store: string
): Effect.Effect<number> => Effect.map(Metric.value(Metric.tagged(metric, "store", store)), ({ count }) => count)

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
export const spansOf = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<ReadonlyArray<RecordedSpan>, E, R> =>
  Effect.suspend(() => {
    const spans: Array<RecordedSpan> = []
    const tracer = Tracer.make({
      span: (name, parent, context, links, startTime, kind) => {
        let status: Tracer.SpanStatus = { _tag: "Started", startTime }
        const attributes = new Map<string, unknown>()
        spans.push({
          name,
          attributes,
          parent: Option.getOrUndefined(Option.map(parent, nameOf)),
          exit: () => (status._tag === "Ended" ? status.exit : undefined)
        })
        return {
          _tag: "Span",
          spanId: String(spans.length),
          traceId: "trace",
          sampled: true,
          name,
          parent,
          context,
          links,
          kind,
          attributes,
          get status() {
            return status
          },
          end: (endTime, exit) => {
            status = { _tag: "Ended", startTime, endTime, exit }
          },
          attribute: (key, value) => void attributes.set(key, value),
          event: () => undefined,
          addLinks: () => undefined
        }
      },
      context: (f) => f()
    })
    return Effect.as(Effect.withTracer(effect, tracer), spans)
  })
