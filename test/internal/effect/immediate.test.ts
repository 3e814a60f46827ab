import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { immediate, YieldBudget } from "../../../src/internal/effect/immediate.js"
import { operationsOf } from "../../support/simulatedRuntime.js"

const budget = new YieldBudget()

const operations = (times: number, once: Effect.Effect<void>) =>
  operationsOf(
    Effect.gen(function* () {
      for (let i = 0; i < times; i++) yield* once
    })
  )

// The docs of `Store` promise this behavior.
describe("an Effect that returns at once in a generator", () => {
  it.effect("is invisible to observers of the run loop", () =>
    Effect.gen(function* () {
      const once = immediate(budget, () => Effect.void)
      expect(yield* operations(100, once)).toBe(yield* operations(1, once))
      const usual = Effect.suspend(() => Effect.void)
      expect((yield* operations(100, usual)) - (yield* operations(1, usual))).toBeGreaterThanOrEqual(99)
    })
  )

  it.effect("throws a defect at the yield*, and the Effect of the generator dies with it", () =>
    Effect.gen(function* () {
      const defect = new Error("a bug")
      const broken = immediate(budget, (): Effect.Effect<void> => {
        throw defect
      })
      const caught = yield* Effect.gen(function* () {
        try {
          yield* broken
          return "went on"
        } catch (thrown) {
          return thrown
        }
      })
      expect(caught).toBe(defect)
      const uncaught = Effect.gen(function* () {
        yield* broken
      })
      expect(yield* Effect.exit(uncaught)).toEqual(Exit.failCause(Cause.die(defect)))
      expect(yield* Effect.exit(broken.pipe(Effect.asVoid))).toEqual(Exit.failCause(Cause.die(defect)))
    })
  )

  it("runs when other code iterates over it", () => {
    let runs = 0
    const atOnce = immediate(budget, () => Effect.succeed(runs++))
    expect([...atOnce]).toHaveLength(0)
    expect(runs).toBe(1)
  })
})
