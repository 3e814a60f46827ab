import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import { type Pressure, StallReports } from "../../src/internal/compactor/stallReports.js"
import { captureLogs } from "../support/captureLogs.js"
import { turn } from "../support/eventually.js"

describe("a stall", () => {
  it.scoped("is logged once for each degree, and its end once no writer was held back for a second", () => {
    const logs = captureLogs()
    let pressure: Pressure = "none"
    const events: Array<string> = []
    const told: Array<object> = []
    const stalls = new StallReports(
      () => pressure,
      () => ({ reason: "level0Tables", level0Tables: 7, frozenMemtables: 1 }),
      (make) => {
        const { _tag, ...fields } = make()
        events.push(_tag)
        told.push(fields)
      }
    )
    const now = (next: Pressure) => {
      pressure = next
      return stalls.report
    }
    const pass = (millis: number) => Effect.zipRight(TestClock.adjust(millis), Effect.zipRight(turn, turn))
    const takeLogs = () => logs.entries.splice(0).map(({ level, message }) => `${level} ${message}`)
    return Effect.gen(function* () {
      yield* stalls.start(yield* Effect.scope)
      yield* turn
      yield* now("none")
      yield* pass(5000)
      expect(takeLogs()).toStrictEqual([])
      // The pressure moves back and forth across the limits.
      for (let i = 0; i < 50; i++) {
        yield* now("slow")
        yield* pass(100)
        yield* now("none")
        yield* pass(700)
        if (i === 25) yield* now("stop")
      }
      expect(takeLogs()).toStrictEqual(["WARN writers are slowed down", "WARN writers wait"])
      // A paced writer may meet pressure that no flush reports.
      pressure = "slow"
      expect(stalls.pressure()).toBe("slow")
      pressure = "none"
      yield* pass(900)
      expect(takeLogs()).toStrictEqual([])
      yield* pass(2000)
      expect(takeLogs()).toStrictEqual(["DEBUG writers go on"])
      yield* now("stop")
      yield* now("slow")
      expect(takeLogs()).toStrictEqual(["WARN writers wait"])
      yield* pass(10_000)
      expect(takeLogs()).toStrictEqual([])
      pressure = "none"
      yield* pass(2000)
      expect(takeLogs()).toStrictEqual(["DEBUG writers go on"])
      const first = ["StallBegun", "StallWorsened", "StallEnded"]
      expect(events).toStrictEqual([...first, "StallBegun", "StallEnded"])
      const load = { level0Tables: 7, frozenMemtables: 1 }
      expect(told[0]).toStrictEqual({ reason: "level0Tables", pressure: "slow", ...load })
      expect(told[1]).toStrictEqual({ reason: "level0Tables", pressure: "stop", ...load })
      expect(told[2]).toMatchObject({ reason: "calm", ...load })
      expect(told[3]).toMatchObject({ pressure: "stop" })
      // 50 times 800 ms, then the second of calm.
      expect((told[2] as { millis: number }).millis).toBeGreaterThan(40_000)
    }).pipe(Effect.provide(logs.layer))
  })
})
