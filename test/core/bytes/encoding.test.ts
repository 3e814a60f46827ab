import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import * as encoding from "../../../src/core/bytes/encoding.js"
import { check } from "../../support/property.js"

const number = FastCheck.oneof(
  FastCheck.maxSafeNat(),
  FastCheck.nat(300),
  FastCheck.integer({ min: 0, max: 53 }).chain((bits) =>
    FastCheck.constantFrom(-1, 0, 1).map((d) => Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, 2 ** bits + d)))
  )
)

describe("varint", () => {
  it("reads back what was written at any position", () => {
    check(
      FastCheck.property(number, FastCheck.nat(5), (value, at) => {
        const bytes = new Uint8Array(20).fill(0xff)
        const end = encoding.writeVarint(bytes, at, value)
        expect(end - at).toBe(encoding.varintLength(value))
        expect(encoding.readVarint(bytes, at, end)).toBe(value)
        expect(encoding.varintEnd).toBe(end)
        expect(encoding.readVarint(bytes, at, end - 1)).toBe(-1)
        expect([bytes[end], bytes[at - 1] ?? 0xff]).toEqual([0xff, 0xff])
      }),
      1000
    )
  })

  it("needs eight bytes for the largest number", () => {
    expect(encoding.varintLength(Number.MAX_SAFE_INTEGER)).toBe(8)
    expect(encoding.readVarint(new Uint8Array(8).fill(0xff), 0, 8)).toBe(-1)
  })

  it("returns -1 or a safe integer for any bytes, and never reads past the end", () => {
    check(
      FastCheck.property(FastCheck.uint8Array({ maxLength: 12 }), FastCheck.nat(14), (bytes, end) => {
        const value = encoding.readVarint(bytes, 0, Math.min(end, bytes.length))
        expect(value === -1 || Number.isSafeInteger(value)).toBe(true)
        if (value >= 0) expect(encoding.varintEnd).toBeLessThanOrEqual(Math.min(end, bytes.length))
      }),
      1000
    )
    expect(encoding.readVarint(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10), 0, 8)).toBe(-1)
  })
})

describe("fixed-width integers", () => {
  it("reads back what was written and leaves the bytes around it alone", () => {
    check(
      FastCheck.property(FastCheck.nat(encoding.maxU48), FastCheck.nat(3), (value, at) => {
        const bytes = new Uint8Array(12).fill(0xaa)
        encoding.writeU48(bytes, at, value)
        expect(encoding.readU48(bytes, at)).toBe(value)
        encoding.writeU48(bytes, at, 0xaaaaaaaaaaaa)
        encoding.writeU32(bytes, at, value % 2 ** 32)
        expect(encoding.readU32(bytes, at)).toBe(value % 2 ** 32)
        encoding.writeU32(bytes, at, 0xaaaaaaaa)
        encoding.writeU16(bytes, at, value % 2 ** 16)
        expect(encoding.readU16(bytes, at)).toBe(value % 2 ** 16)
        encoding.writeU16(bytes, at, 0xaaaa)
        expect(bytes).toEqual(new Uint8Array(12).fill(0xaa))
      }),
      500
    )
  })

  it("is little-endian", () => {
    const bytes = new Uint8Array(6)
    encoding.writeU48(bytes, 0, 0x060504030201)
    expect([...bytes]).toEqual([1, 2, 3, 4, 5, 6])
    encoding.writeU48(bytes, 0, encoding.maxU48)
    expect(encoding.readU48(bytes, 0)).toBe(2 ** 48 - 1)
  })
})
