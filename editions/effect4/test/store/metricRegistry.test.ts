import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { LsmStore } from "effect-lsm"

const namesIn = (registry: typeof Metric.MetricRegistry.Service) => [...registry.values()].map(({ id }) => id)

describe("a store opened under a metric registry of its own", () => {
  it.effect("has its metrics there, and its Prometheus text is the same from anywhere", () =>
    Effect.gen(function* () {
      const own: typeof Metric.MetricRegistry.Service = new Map()
      const common = yield* Metric.MetricRegistry
      const before = namesIn(common)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* Effect.provideService(LsmStore.makeMemory({ name: "apart" }), Metric.MetricRegistry, own)
          yield* store.put("key", "value")
          expect(yield* store.prometheus).toContain('lsm_puts_total{store="apart"} 1')
          expect(namesIn(own)).toContain("lsm_puts_total")
          expect(namesIn(common)).toEqual(before)
        })
      )
      expect(namesIn(own)).toEqual([])
    })
  )
})
