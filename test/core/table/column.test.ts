import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { ColumnBuilder, columnWidth, readColumn, sumColumn } from "../../../src/core/table/column.js"
import { check } from "../../support/property.js"

const values = FastCheck.constantFrom(0, 8, 16, 24, 32, 48).chain((bits) =>
  FastCheck.array(
    FastCheck.maxSafeNat().map((n) => (n % 2 ** bits) + 5),
    { maxLength: 50 }
  )
)

describe("a column", () => {
  it("returns its numbers and their sums, in as few bytes as their range needs", () => {
    check(
      FastCheck.property(values, FastCheck.nat(5), (numbers, before) => {
        const builder = new ColumnBuilder()
        for (const value of numbers) builder.add(value)
        const { base, width } = builder
        const bytes = new Uint8Array(before + numbers.length * width)
        expect(builder.write(bytes, before)).toBe(bytes.length)
        expect(numbers.map((_, i) => base + readColumn(bytes, before, width, i))).toEqual(numbers)
        const from = numbers.length >>> 2
        const sum = numbers.slice(from).reduce((total, value) => total + value - base, 0)
        expect(sumColumn(bytes, before, width, from, numbers.length)).toBe(sum)
      })
    )
    expect([0, 1, 255, 256, 65_535, 65_536, 2 ** 24, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1].map(columnWidth)).toEqual([
      0, 1, 1, 2, 2, 3, 4, 4, 6, 6
    ])
  })
})
