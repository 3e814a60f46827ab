import { crc32 } from "node:zlib"
import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { viewOf } from "../../../src/core/bytes/bytes.js"
import { checksum, viewChecksum } from "../../../src/core/bytes/checksum.js"
import { check } from "../../support/property.js"

describe("a checksum", () => {
  it("is zlib's CRC-32 of the range, short or long, from any seed", () => {
    check(
      FastCheck.property(
        FastCheck.uint8Array({ maxLength: 700, size: "max" }),
        FastCheck.nat(8),
        FastCheck.nat(8),
        FastCheck.nat(2 ** 32 - 1),
        (bytes, front, back, seed) => {
          const start = Math.min(front, bytes.length)
          const end = Math.max(start, bytes.length - back)
          // The view begins within its buffer.
          const within = new Uint8Array([7, 7, 7, ...bytes]).subarray(3)
          const expected = crc32(bytes.slice(start, end), seed)
          expect(checksum(within, start, end, seed)).toBe(expected)
          expect(viewChecksum(viewOf(within), start, end, seed)).toBe(expected)
        }
      ),
      300
    )
  })
})
