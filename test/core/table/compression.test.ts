import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { writeVarint } from "../../../src/core/bytes/encoding.js"
import { type Compressed, compress, decompress, hasZstd } from "../../../src/core/table/compression.js"
import { hex } from "../../support/entries.js"
import { check } from "../../support/property.js"

const repeating = FastCheck.tuple(
  FastCheck.uint8Array({ minLength: 1, maxLength: 30 }),
  FastCheck.integer({ min: 20, max: 3000 })
).map(([piece, times]) => Uint8Array.from({ length: piece.length * times }, (_, i) => piece[i % piece.length]!))

const codecs: ReadonlyArray<Compressed> = hasZstd ? ["lz4", "deflate", "zstd"] : ["lz4", "deflate"]

describe.each(codecs)("compression with %s", (codec) => {
  it("round-trips its input, with the requested room after the output", () => {
    check(
      FastCheck.property(repeating, FastCheck.nat(9), (bytes, extra) => {
        const stored = compress(codec, bytes, bytes.length, extra)
        expect(stored === undefined).toBe(bytes.length < 32)
        if (stored === undefined) return
        expect(stored.length).toBeLessThanOrEqual(bytes.length - (bytes.length >>> 3) + extra)
        const raw = decompress(codec, stored.subarray(0, stored.length - extra))
        expect(hex(raw!)).toBe(hex(bytes))
      })
    )
  })

  it("leaves alone bytes that it cannot make an eighth smaller", () => {
    const random = Uint8Array.from({ length: 4096 }, (_, i) => Math.imul(i * i + 17 * i, 0x9e3779b1) >>> 24)
    expect(compress(codec, random, random.length, 5)).toBeUndefined()
  })

  it("returns undefined for malformed bytes, and allocates nothing for impossible lengths", () => {
    const stored = compress(codec, new Uint8Array(5000), 5000, 0)!
    check(
      FastCheck.property(FastCheck.nat(stored.length - 1), FastCheck.nat(255), (at, byte) => {
        const changed = stored.slice()
        changed[at] = byte
        const raw = decompress(codec, changed)
        expect(raw === undefined || raw.length <= 5001 * 32 * 1024).toBe(true)
      }),
      500
    )
    const claim = stored.slice()
    writeVarint(claim, 0, 2 ** 40)
    expect(decompress(codec, claim)).toBeUndefined()
    expect(decompress(codec, new Uint8Array(0))).toBeUndefined()
    // A length that the ratio of the codec allows, but no memory.
    const large = new Uint8Array(17 * 1024 * 1024)
    writeVarint(large, 0, 2 ** 32 - 1)
    expect(decompress(codec, large)).toBeUndefined()
    const longer = compress(codec, new Uint8Array(5001), 5001, 0)!
    writeVarint(longer, 0, 5000)
    expect(decompress(codec, longer)).toBeUndefined()
  })
})
