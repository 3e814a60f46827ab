import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Gate } from "../../../src/internal/effect/gate.js"
import { turn } from "../../support/eventually.js"
import { exitOf } from "../../support/fiberExits.js"
import { yieldingAt } from "../../support/simulatedRuntime.js"

describe("a gate", () => {
  it.effect("loses no wake-up that comes between any two steps of the waiting fiber", () =>
    Effect.gen(function* () {
      for (let step = 0; step < 40; step++) {
        const gate = new Gate()
        let isReady = false
        let asked = 0
        const scheduler = yieldingAt(step, () => {
          isReady = true
          gate.notify()
        })
        const wait = gate.until(() => {
          asked++
          return isReady ? "ready" : undefined
        })
        const fiber = yield* Effect.fork(Effect.withScheduler(Effect.zipRight(Effect.void, wait), scheduler))
        for (let i = 0; i < 10; i++) yield* turn
        const ended = exitOf(fiber)
        // A fiber that never reached the step still waits for a wake-up.
        if (ended === undefined && !isReady) {
          isReady = true
          gate.notify()
        }
        for (let i = 0; i < 10; i++) yield* turn
        expect(exitOf(fiber), `step ${step}, asked ${asked} times`).toBeDefined()
        expect(yield* Fiber.join(fiber)).toBe("ready")
      }
    })
  )

  it.effect("checks again after each notify, and forgets an interrupted fiber", () =>
    Effect.gen(function* () {
      const gate = new Gate()
      let asked = 0
      let count = 0
      const fiber = yield* Effect.fork(
        gate.until(() => {
          asked++
          return count >= 3 ? count : undefined
        })
      )
      for (let i = 0; i < 3; i++) {
        yield* turn
        expect(asked).toBe(i + 1)
        count++
        gate.notify()
      }
      expect(yield* Fiber.join(fiber)).toBe(3)
      const other = yield* Effect.fork(
        gate.until(() => {
          asked++
          return undefined
        })
      )
      yield* turn
      yield* Fiber.interrupt(other)
      const before = asked
      gate.notify()
      yield* turn
      expect(asked).toBe(before)
    })
  )
})
