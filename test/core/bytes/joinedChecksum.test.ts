import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { checksum } from "../../../src/core/bytes/checksum.js"
import { joinChecksums } from "../../../src/core/bytes/joinedChecksum.js"
import { check } from "../../support/property.js"

describe("the checksum of two pieces", () => {
  it("follows from their checksums", () => {
    check(
      FastCheck.property(
        FastCheck.uint8Array({ maxLength: 2000, size: "max" }),
        FastCheck.uint8Array({ maxLength: 2000, size: "max" }),
        FastCheck.nat(2 ** 32 - 1),
        FastCheck.nat(2 ** 32 - 1),
        (first, second, start, seed) => {
          const whole = Uint8Array.of(...first, ...second)
          const joined = joinChecksums(
            checksum(first, 0, first.length, start),
            seed,
            checksum(second, 0, second.length, seed),
            second.length
          )
          expect(joined).toBe(checksum(whole, 0, whole.length, start))
        }
      )
    )
  })
})
