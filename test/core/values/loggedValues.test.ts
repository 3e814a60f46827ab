import { describe, expect, it } from "vitest"
import { SegmentValues } from "../../../src/core/values/loggedValues.js"

describe("the places of values in a log segment", () => {
  it("are found by sequence number, however many there are", () => {
    const values = new SegmentValues(3)
    for (let i = 0; i < 1000; i++) values.add(2 ** 40 + i * 3, i * 5000, i)
    for (let i = 0; i < 1000; i++) expect(values.offsetAt(values.indexOf(2 ** 40 + i * 3))).toBe(i * 5000)
    for (const sequence of [0, 2 ** 40 - 1, 2 ** 40 + 1, 2 ** 40 + 3000]) {
      expect(() => values.indexOf(sequence)).toThrow()
    }
    expect(values.isComplete).toBe(true)
  })

  it("are not all known if one is too far away", () => {
    for (const [sequence, offset] of [
      [1, 2 ** 32],
      [2 ** 32 + 1, 0]
    ] as const) {
      const values = new SegmentValues(3)
      values.add(1, 0, 0)
      values.add(sequence, offset, 0)
      expect(values.isComplete).toBe(false)
    }
  })
})
