import { spawnSync } from "node:child_process"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { LsmStore } from "effect-lsm"
import { turn } from "../support/eventually.js"

const isInstalled = spawnSync("promtool", ["--version"]).status === 0

describe("Effect's own text for Prometheus", () => {
  it.effect("has the metrics of a store", () =>
    Effect.gen(function* () {
      const store = yield* LsmStore.makeMemory({ name: "by Effect", latencySampling: 1 })
      yield* store.put("key", "value")
      yield* store.flush
      yield* turn
      const text = yield* PrometheusMetrics.format()
      expect(text).toContain('lsm_puts_total{store="by Effect"} 1')
      expect(text).toContain('lsm_put_duration_seconds_count{store="by Effect"} 1')
      expect(text).toMatch(/lsm_level_tables\{(store="by Effect",level="0"|level="0",store="by Effect")\} 1/)
      if (!isInstalled) return
      const { status, stderr, stdout } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" })
      expect(`${stdout}${stderr}`).toBe("")
      expect(status).toBe(0)
    }).pipe(
      // Other libraries' metrics of this process have no help text, and promtool has a remark on each.
      Effect.provideService(Metric.MetricRegistry, new Map())
    )
  )
})
