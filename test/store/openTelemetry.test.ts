import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import { describe, expect, it } from "@effect/vitest"
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  type MetricData,
  PeriodicExportingMetricReader
} from "@opentelemetry/sdk-metrics"
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import * as Effect from "effect/Effect"
import { LsmStore } from "effect-lsm"
import { turn } from "../support/eventually.js"

describe("OpenTelemetry", () => {
  it.scopedLive("gets spans and metrics by Effect's exporter", () =>
    Effect.gen(function* () {
      const spanExporter = new InMemorySpanExporter()
      const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
      // It reads when it is told to: the interval is longer than the test.
      const metricReader = new PeriodicExportingMetricReader({
        exporter: metricExporter,
        exportIntervalMillis: 3_600_000
      })
      const telemetry = NodeSdk.layer(() => ({
        resource: { serviceName: "test" },
        spanProcessor: new SimpleSpanProcessor(spanExporter),
        metricReader
      }))
      const name = "by OpenTelemetry"
      const program = Effect.gen(function* () {
        const store = yield* LsmStore.makeMemory({ name, latencySampling: 1 })
        for (let i = 0; i < 10; i++) yield* store.put(`k${i}`, "v")
        yield* store.flush
        yield* store.get("k1")
        yield* Effect.withSpan(store.compact(), "compacting by hand")
        yield* turn
        yield* Effect.promise(() => metricReader.forceFlush())
        return yield* store.stats
      }).pipe(Effect.scoped, Effect.withSpan("program"))
      // The exporter forgets its spans when it is shut down with the layer.
      const { spans, stats } = yield* Effect.map(program, (stats) => ({
        stats,
        spans: [...spanExporter.getFinishedSpans()]
      })).pipe(Effect.provide(telemetry))
      const spanOf = (wanted: string) => spans.find((span) => span.name === wanted)!
      expect(spanOf("lsm.open").parentSpanContext?.spanId).toBe(spanOf("program").spanContext().spanId)
      expect(spanOf("lsm.recovery").parentSpanContext?.spanId).toBe(spanOf("lsm.open").spanContext().spanId)
      const flush = spanOf("lsm.flush")
      expect(flush.parentSpanContext).toBeUndefined()
      expect(flush.attributes).toMatchObject({ "lsm.store": name, "lsm.bytes": stats.written.flush, "lsm.entries": 10 })

      const metrics = metricExporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope): ReadonlyArray<MetricData> => scope.metrics))
      const pointsOf = (wanted: string) =>
        metrics
          .filter(({ descriptor }) => descriptor.name === wanted)
          .flatMap(({ dataPoints, dataPointType }) =>
            dataPoints
              .filter(({ attributes }) => attributes["store"] === name)
              .map(({ attributes, value }) => ({ attributes, value, dataPointType }))
          )
      expect(pointsOf("lsm_puts_total")).toMatchObject([{ value: 10, dataPointType: DataPointType.SUM }])
      expect(
        pointsOf("lsm_written_bytes_total").map(({ attributes, value }) => [attributes["cause"], value])
      ).toContainEqual(["flush", stats.written.flush])
      expect(pointsOf("lsm_level_bytes")).toHaveLength(7)
      expect(pointsOf("lsm_level_bytes")[0]).toMatchObject({ dataPointType: DataPointType.GAUGE })
      const [latency] = pointsOf("lsm_put_duration_seconds")
      const { count, sum } = latency!.value as unknown as { readonly count: number; readonly sum: number }
      expect(latency!.dataPointType).toBe(DataPointType.HISTOGRAM)
      expect(count).toBe(10)
      expect(sum).toBeGreaterThan(0)
      expect(sum).toBeLessThan(10)
    })
  )
})
