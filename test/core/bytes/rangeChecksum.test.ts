import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { checksum } from "../../../src/core/bytes/checksum.js"
import { RangeChecksum } from "../../../src/core/bytes/rangeChecksum.js"
import { check } from "../../support/property.js"

describe("the checksum of a range", () => {
  it("equals the checksum computed from the bytes", () => {
    check(
      FastCheck.property(
        FastCheck.nat(40_000),
        FastCheck.nat(2 ** 32 - 1),
        FastCheck.array(FastCheck.tuple(FastCheck.nat(40_000), FastCheck.nat(40_000), FastCheck.nat(2 ** 32 - 1)), {
          minLength: 1,
          maxLength: 20
        }),
        (length, seed, ranges) => {
          let state = seed
          const bytes = Uint8Array.from({ length }, () => {
            state = (Math.imul(state, 1664525) + 1013904223) >>> 0
            return state >>> 24
          })
          const checksums = new RangeChecksum(bytes)
          for (const [a, b, start] of ranges) {
            const [from, to] = [Math.min(a, b, length), Math.min(Math.max(a, b), length)]
            expect(checksums.of(from, to, start)).toBe(checksum(bytes, from, to, start))
          }
        }
      )
    )
  })
})
