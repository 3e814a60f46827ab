import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { halfSipHash, keyedHash } from "../../../src/core/bytes/keyedHash.js"
import { anyKey } from "../../support/entries.js"
import { check } from "../../support/property.js"

describe("HalfSipHash-1-3", () => {
  it("gives the reference values", () => {
    // The bytes 0, 1, 2 ... under the key of the published test vectors.
    const bytes = Uint8Array.from({ length: 8 }, (_, i) => i)
    const hashes = [0, 1, 2, 3, 4, 5, 8].map((length) => halfSipHash(bytes, 0, length, 0x03020100, 0x07060504))
    expect(hashes.map((h) => h.toString(16))).toEqual([
      "5814c896",
      "e7e864ca",
      "bc4b0e30",
      "1539939",
      "7e059ea6",
      "88e3d89b",
      "577999b1"
    ])
  })

  it("depends only on the range and the key", () => {
    check(
      FastCheck.property(anyKey, FastCheck.uint8Array({ maxLength: 5 }), (key, around) => {
        const wrapped = Uint8Array.of(...around, ...key, ...around)
        const at = around.length
        expect(keyedHash(wrapped, at, at + key.length)).toBe(keyedHash(key, 0, key.length))
        expect(halfSipHash(wrapped, at, at + key.length, 1, 2)).toBe(halfSipHash(key, 0, key.length, 1, 2))
      })
    )
    const bytes = Uint8Array.of(1, 2, 3)
    const under = Array.from({ length: 100 }, (_, i) => halfSipHash(bytes, 0, 3, i, 7))
    expect(new Set(under).size).toBe(100)
  })
})
