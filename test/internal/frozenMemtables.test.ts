import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { areTooManyFrozen } from "../../src/internal/compactor/rotation.js"
import { check } from "../support/property.js"

const frozen = (weights: ReadonlyArray<number | undefined>) =>
  weights.map((weight) => ({ ...(weight !== undefined && { weight }) }))

describe("frozen memtables", () => {
  it("are counted, if all were full or do not tell their weight", () => {
    check(
      FastCheck.property(FastCheck.nat(12), FastCheck.integer({ min: 1, max: 8 }), (count, most) => {
        for (const weight of [1, undefined]) {
          expect(areTooManyFrozen(frozen(Array.from({ length: count }, () => weight)), most)).toBe(count >= most)
        }
      })
    )
  })

  it("hold no more memory than full ones, whatever they weigh, and as many may be frozen as of these", () => {
    const weights = FastCheck.array(FastCheck.double({ min: 0.01, max: 1, noNaN: true }), { maxLength: 40 })
    check(
      FastCheck.property(weights, FastCheck.integer({ min: 1, max: 8 }), (next, most) => {
        const held: Array<number> = []
        for (const weight of next) {
          if (areTooManyFrozen(frozen(held), most)) {
            expect(held.length).toBeGreaterThanOrEqual(most)
            continue
          }
          held.push(weight)
          expect(held.length <= most || held.reduce((sum, one) => sum + one, 0) <= most).toBe(true)
        }
      })
    )
  })
})
