import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import * as bytes from "../../../src/core/bytes/bytes.js"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { anyKey, hex } from "../../support/entries.js"
import { check } from "../../support/property.js"

/** Any string, with lone surrogates. */
const anyText = FastCheck.oneof(
  FastCheck.string({ unit: "binary" }),
  FastCheck.array(FastCheck.constantFrom("a", "\0", "é", "€", "\ud83d", "\ude00", "😀", "\ufeff", "\uffff"), {
    maxLength: 12
  }).map((parts) => parts.join(""))
)

describe("compare", () => {
  it("orders bytes as unsigned numbers", () => {
    check(
      FastCheck.property(anyKey, anyKey, (a, b) => {
        expect(Math.sign(bytes.compare(a, b))).toBe(Buffer.compare(a, b))
        expect(bytes.equals(a, b)).toBe(Buffer.compare(a, b) === 0)
      }),
      500
    )
  })

  it("ignores bytes outside the ranges", () => {
    check(
      FastCheck.property(anyKey, anyKey, FastCheck.uint8Array({ maxLength: 4 }), (a, b, around) => {
        const wrap = (key: Uint8Array) => Uint8Array.of(...around, ...key, ...around)
        const at = around.length
        const ends = [at + a.length, at + b.length] as const
        expect(bytes.compareRange(wrap(a), at, ends[0], wrap(b), at, ends[1])).toBe(bytes.compare(a, b))
        expect(bytes.equalRange(wrap(a), at, ends[0], wrap(b), at, ends[1])).toBe(bytes.compare(a, b) === 0)
        const copy = wrap(a).slice()
        expect(bytes.equalRange(wrap(a), at, ends[0], copy, at, ends[0])).toBe(true)
        if (a.length > 0) copy[at]! ^= 1
        expect(bytes.equalRange(wrap(a), at, ends[0], copy, at, ends[0])).toBe(a.length === 0)
      })
    )
  })

  it("agrees with prefix words if they differ", () => {
    const words = (key: Uint8Array) => [
      bytes.prefixWord(key, 0, key.length),
      bytes.prefixWord(key, Math.min(4, key.length), key.length)
    ]
    check(
      FastCheck.property(anyKey, anyKey, (a, b) => {
        const [aHigh, aLow] = words(a)
        const [bHigh, bLow] = words(b)
        const order = aHigh! - bHigh! || aLow! - bLow!
        if (order !== 0) expect(Math.sign(order)).toBe(Math.sign(bytes.compare(a, b)))
      }),
      500
    )
  })
})

describe("prefixEnd", () => {
  it("separates keys with the prefix from the keys above them", () => {
    check(
      FastCheck.property(anyKey, anyKey, (prefix, key) => {
        const end = bytes.prefixEnd(prefix)
        const inside = bytes.compare(key, prefix) >= 0 && (end === undefined || bytes.compare(key, end) < 0)
        expect(inside).toBe(bytes.equals(key.subarray(0, prefix.length), prefix))
      }),
      1000
    )
  })
})

describe("UTF-8", () => {
  it("is encoded in place like TextEncoder encodes it", () => {
    check(
      FastCheck.property(anyText, FastCheck.nat(3), (text, at) => {
        const expected = new TextEncoder().encode(text)
        // Ill-formed strings do not round-trip.
        if (bytes.decodeUtf8(expected) !== text) {
          expect(bytes.encodeUtf8Into(text, new Uint8Array(at + text.length * 3), at)).toBe(bytes.illFormed)
          expect(bytes.encodeUtf8(text)).toBeUndefined()
          return
        }
        const target = new Uint8Array(at + text.length * 3)
        expect(bytes.encodeUtf8Into(text, target, at)).toBe(expected.length)
        expect(hex(target.subarray(at, at + expected.length))).toBe(hex(expected))
        expect(hex(bytes.encodeUtf8(text)!)).toBe(hex(expected))
      }),
      1000
    )
  })

  it("gives the same lookup key for a string and for its bytes, one after the other", () => {
    const key = new ReusableLookupKey()
    check(
      FastCheck.property(anyText, FastCheck.constantFrom(1, 100), (text, times) => {
        const long = text.repeat(times)
        const { length, hash1, hash2 } = key.set(long)
        if (length === bytes.illFormed) {
          expect(long.isWellFormed()).toBe(false)
          return
        }
        const encoded = new TextEncoder().encode(long)
        expect(hex(key.bytes.subarray(0, length))).toBe(hex(encoded))
        key.set(encoded)
        expect(key.bytes).toBe(encoded)
        expect([key.length, key.hash1, key.hash2]).toEqual([length, hash1, hash2])
      })
    )
  })
})

/** Missing on Node 20. Node 22 detaches even marked buffers. Node 24 refuses to. */
const detach: ((this: ArrayBufferLike) => ArrayBuffer) | undefined = Reflect.get(ArrayBuffer.prototype, "transfer")

describe("copies", () => {
  it.runIf(detach !== undefined)("use new memory after their slab was detached", () => {
    for (const length of [5, 0]) {
      try {
        detach!.call(bytes.copyRange(Uint8Array.of(1, 2, 3), 0, 3).buffer)
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
      }
      const copy = bytes.copyRange(Uint8Array.of(1, 2, 3, 4, 5), 0, length)
      expect([...copy]).toEqual([1, 2, 3, 4, 5].slice(0, length))
    }
    const source = new Uint8Array(4096).fill(7)
    for (let i = 0; i < 40; i++) {
      const copy = bytes.copyRange(source, 0, 4096 - i)
      expect(copy).toEqual(source.subarray(i))
      try {
        detach!.call(copy.buffer)
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError)
      }
    }
  })

  it("share marked memory or own their memory", () => {
    const source = new Uint8Array(10_000).fill(7)
    const large = bytes.copyRange(source, 0, 4097)
    expect(large.buffer.byteLength).toBe(4097)
    for (const length of [100, 2048, 2049, 4096]) {
      const small = bytes.copyRange(source, 0, length)
      expect(small.buffer.byteLength).toBeGreaterThan(length)
      try {
        structuredClone(small, { transfer: [small.buffer as ArrayBuffer] })
      } catch (error) {
        expect(error).toMatchObject({ name: "DataCloneError" })
      }
      expect(small).toEqual(source.subarray(0, length))
    }
    structuredClone(large, { transfer: [large.buffer as ArrayBuffer] })
    expect(large.length).toBe(0)
  })

  it("are equal to the source and independent of it", () => {
    check(
      FastCheck.property(FastCheck.array(FastCheck.nat(9000), { maxLength: 8 }), FastCheck.nat(9), (lengths, start) => {
        const source = new Uint8Array(10_000).map((_, i) => i * 7)
        const copies = lengths.map((length) => bytes.copyRange(source, start, start + length))
        const expected = lengths.map((length) => source.slice(start, start + length))
        source.fill(0)
        expect(copies.map(hex)).toEqual(expected.map(hex))
      }),
      50
    )
  })
})
