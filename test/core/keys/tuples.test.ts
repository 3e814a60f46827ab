import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { decodeTuple } from "../../../src/core/keys/decodeTuple.js"
import type { KeyElement } from "../../../src/core/keys/element.js"
import { encodeTuple } from "../../../src/core/keys/encodeTuple.js"
import { KeyFailure } from "../../../src/core/keys/keyFailure.js"
import { prefixRange } from "../../../src/core/keys/prefixRange.js"
import { Uuid } from "../../../src/core/keys/uuid.js"
import { hex } from "../../support/entries.js"
import { check } from "../../support/property.js"
import { anyPair, anyTuple, compareTuples, plain } from "./arbitraries.js"

describe("the encoding of a tuple", () => {
  it("has the order of the tuples", () => {
    check(
      FastCheck.property(anyPair, ([a, b]) => {
        expect(Math.sign(compare(encodeTuple(a), encodeTuple(b)))).toBe(Math.sign(compareTuples(a, b)))
      }),
      5000
    )
  })

  it("is decoded to the tuple", () => {
    check(
      FastCheck.property(anyTuple, (tuple) => {
        expect(plain(decodeTuple(encodeTuple(tuple)))).toStrictEqual(plain(tuple))
      }),
      3000
    )
  })

  it("stands behind a prefix, and is decoded from a range", () => {
    check(
      FastCheck.property(anyTuple, FastCheck.uint8Array({ maxLength: 5 }), (tuple, prefix) => {
        const key = encodeTuple(tuple, prefix)
        expect(hex(key)).toBe(hex(prefix) + hex(encodeTuple(tuple)))
        const wrapped = Uint8Array.of(...key, 1, 2, 3)
        expect(plain(decodeTuple(wrapped, prefix.length, key.length))).toStrictEqual(plain(tuple))
      })
    )
  })

  it("is in the range of a prefix exactly if the tuple begins with it", () => {
    check(
      FastCheck.property(anyPair, FastCheck.nat(4), ([a, b], length) => {
        const prefix = a.slice(0, length)
        const { start, end } = prefixRange(prefix)
        for (const tuple of [a, b]) {
          const key = encodeTuple(tuple)
          const begins = tuple.length >= prefix.length && compareTuples(tuple.slice(0, prefix.length), prefix) === 0
          expect(compare(key, start) >= 0 && compare(key, end) < 0).toBe(begins)
        }
      }),
      3000
    )
  })

  it("has long strings, bytes and many elements, and the buffer serves the next key", () => {
    const tuple = ["x".repeat(100_000), "é\0".repeat(5000), new Uint8Array(70_000), ...Array(3000).fill(1.5)]
    expect(plain(decodeTuple(encodeTuple(tuple)))).toStrictEqual(plain(tuple))
    expect(hex(encodeTuple(["a"]))).toBe("026100")
    for (const bits of [64n, 2040n, 2048n, 100_000n]) {
      const value = [2n ** bits, -(2n ** bits), 2n ** bits - 1n, 1n - 2n ** bits]
      expect(decodeTuple(encodeTuple(value))).toStrictEqual(value)
    }
  })
})

describe("refused", () => {
  const nested = (depth: number): KeyElement => (depth === 0 ? 1 : [nested(depth - 1)])
  const cases: ReadonlyArray<readonly [string, unknown]> = [
    ["NaN", Number.NaN],
    ["an invalid Date", new Date(Number.NaN)],
    ["a high surrogate at the end", "a\ud83d"],
    ["a high surrogate before another character", "\ud83da"],
    ["a low surrogate", "\ude00"],
    ["surrogates in the wrong order", "\ude00\ud83d"],
    ["undefined", undefined],
    ["a function", () => 1],
    ["a symbol", Symbol("a")],
    ["an object", { a: 1 }],
    ["an object without a prototype", Object.create(null)],
    ["a hole", new Array(1)],
    ["65 nested tuples", nested(65)]
  ]
  for (const [what, value] of cases) {
    it(`is ${what}`, () => {
      expect(() => encodeTuple([value as KeyElement])).toThrow(KeyFailure)
      expect(hex(encodeTuple(["a"]))).toBe("026100")
    })
  }

  it("is not a tuple that is nested 64 deep", () => {
    const tuple = [nested(64)]
    expect(decodeTuple(encodeTuple(tuple))).toStrictEqual(tuple)
  })

  it("is a text that is no UUID", () => {
    for (const text of ["", "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "6ba7b8109dad11d180b400c04fd430c8"]) {
      expect(() => Uuid.parse(text)).toThrow(KeyFailure)
    }
    expect(() => new Uuid(new Uint8Array(15))).toThrow(KeyFailure)
    const text = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    expect(String(Uuid.parse(text.toUpperCase()))).toBe(text)
    expect(JSON.stringify(Uuid.parse(text))).toBe(`"${text}"`)
  })
})

describe("bytes that are no key", () => {
  /** Decoding fails with `KeyFailure`, or the bytes are the encoding of what it returns. */
  const isKeyOrRefused = (bytes: Uint8Array) => {
    let tuple: Array<KeyElement>
    try {
      tuple = decodeTuple(bytes)
    } catch (failure) {
      expect(failure).toBeInstanceOf(KeyFailure)
      expect((failure as KeyFailure).at).toBeLessThanOrEqual(bytes.length)
      return
    }
    expect(hex(encodeTuple(tuple))).toBe(hex(bytes))
  }

  it("are refused, whatever they are", () => {
    const codes = FastCheck.constantFrom(
      0,
      1,
      2,
      5,
      0xa,
      0xb,
      0xc,
      0x13,
      0x14,
      0x15,
      0x1c,
      0x1d,
      0x1e,
      0x21,
      0x26,
      0x40
    )
    check(FastCheck.property(FastCheck.uint8Array({ maxLength: 40 }), isKeyOrRefused), 5000)
    check(
      FastCheck.property(FastCheck.array(FastCheck.oneof(codes, FastCheck.nat(255)), { maxLength: 30 }), (bytes) =>
        isKeyOrRefused(Uint8Array.from(bytes))
      ),
      10_000
    )
  })

  it("are refused if they are a key that is cut off or changed", () => {
    check(
      FastCheck.property(anyTuple, FastCheck.nat(), FastCheck.nat(255), (tuple, at, flip) => {
        const key = encodeTuple(tuple)
        isKeyOrRefused(key.slice(0, at % (key.length + 1)))
        if (key.length > 0) key[at % key.length]! ^= flip
        isKeyOrRefused(key)
      }),
      5000
    )
  })

  it("are refused at any depth", () => {
    expect(() => decodeTuple(new Uint8Array(100_000).fill(5))).toThrow(KeyFailure)
  })

  const forms: ReadonlyArray<readonly [string, string]> = [
    ["a double of -0", "217fffffffffffffff"],
    ["NaN", "21fff8000000000000"],
    ["an integer with a leading zero", "160001"],
    ["a negative integer with a leading zero", "12fffe"],
    ["a large integer that is short", "1d080102030405060708"],
    ["a huge integer that is large", "1e0000000101"],
    ["an integer whose length is cut off", "1e0000"],
    ["an integer longer than the bytes", "1effffffff01"],
    ["a time after the last Date", "40ffffffffffffffff"],
    ["an overlong UTF-8 sequence", "02c08100"],
    ["a surrogate in UTF-8", "02eda08000"],
    ["the deprecated type of nested tuples", "0304"],
    ["the escape", "ff"]
  ]
  for (const [what, bytes] of forms) {
    it(`are refused: ${what}`, () => {
      expect(() => decodeTuple(Uint8Array.from(Buffer.from(bytes, "hex")))).toThrow(KeyFailure)
    })
  }
})
