import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { decodeLz4, encodeLz4 } from "../../../src/core/table/lz4.js"
import { hex } from "../../support/entries.js"
import { check } from "../../support/property.js"

const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))

/** The input lies in the middle of its memory, so that reads beside it would be seen. */
const encode = (bytes: Uint8Array): Uint8Array =>
  encodeLz4(within(bytes, 0), bytes.length, bytes.length + Math.ceil(bytes.length / 255) + 16)!.slice()

/** Undefined if the block is refused. The block ends with its memory, and once more does not. */
const decode = (block: Uint8Array, length: number): Uint8Array | undefined => {
  const content = decodeLz4(within(block, 0), 0, block.length, length)?.slice()
  const again = decodeLz4(within(block, 20), 0, block.length, length)
  expect(again === undefined ? "" : hex(again)).toBe(content === undefined ? "" : hex(content))
  return content
}

const within = (bytes: Uint8Array, after: number): Uint8Array => {
  const memory = new Uint8Array(7 + bytes.length + after).fill(0xee)
  memory.set(bytes, 7)
  return memory.subarray(7, 7 + bytes.length)
}

/** Pieces that repeat, near and far, between bytes that do not. */
const contents = FastCheck.tuple(
  FastCheck.array(FastCheck.uint8Array({ minLength: 1, maxLength: 400 }), { minLength: 1, maxLength: 6 }),
  FastCheck.array(FastCheck.tuple(FastCheck.nat(5), FastCheck.nat(400), FastCheck.integer({ min: 1, max: 4 })), {
    maxLength: 60
  })
).map(([pieces, uses]) =>
  Uint8Array.from(
    uses.flatMap(([piece, length, times]) =>
      Array.from({ length: times }, () => [...pieces[piece % pieces.length]!.subarray(0, length)]).flat()
    )
  )
)

describe("LZ4", () => {
  it("round-trips what repeats and what does not", () => {
    check(
      FastCheck.property(FastCheck.oneof(contents, FastCheck.uint8Array({ maxLength: 3000 })), (bytes) => {
        expect(hex(decode(encode(bytes), bytes.length)!)).toBe(hex(bytes))
      })
    )
  })

  it("round-trips long literals, long matches and far matches", () => {
    const noise = (length: number, seed: number) => {
      let state = seed
      return Uint8Array.from({ length }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
        return state >>> 20
      })
    }
    const [far, near] = [noise(300, 7), noise(70_000, 9)]
    for (const parts of [
      [new Uint8Array(100_000)],
      [noise(5000, 1), new Uint8Array(5000), noise(5000, 2)],
      [far, near.subarray(0, 65_535 - 300), far],
      [far, near.subarray(0, 65_535), far],
      [far, near, far],
      ...[14, 15, 16, 269, 270, 271].map((length) => [noise(length, 3), new Uint8Array(length + 4), noise(20, 4)])
    ]) {
      const bytes = new Uint8Array(Buffer.concat(parts))
      expect(Buffer.compare(decode(encode(bytes), bytes.length)!, bytes)).toBe(0)
    }
  })

  it("ends blocks as the format wants it: the last five bytes are literals, no match starts in the last twelve", () => {
    check(
      FastCheck.property(contents, (bytes) => {
        const { lastLiterals, lastMatchStart } = sequencesOf(encode(bytes))
        if (lastMatchStart === undefined) return
        expect(lastLiterals).toBeGreaterThanOrEqual(5)
        expect(bytes.length - lastMatchStart).toBeGreaterThanOrEqual(12)
      })
    )
  })

  it("reads a block that lz4 1.9.4 has written", () => {
    const block =
      "ff0b6566666563742d6c736d206b6565707320656e74726965733b201a0005af20696e206f726465722e2300060f3d004a506465722e20"
    const text = "effect-lsm keeps entries; effect-lsm keeps entries in order. ".repeat(3)
    expect(new TextDecoder().decode(decode(bytesOf(block), text.length))).toBe(text)
  })

  it("returns undefined if the block would be too long, and is as good with the next one", () => {
    const bytes = Uint8Array.from({ length: 600 }, (_, i) => (i % 50) + Math.floor(i / 200))
    const whole = encode(bytes)
    for (let most = 0; most < whole.length; most++) expect(encodeLz4(bytes, bytes.length, most)).toBeUndefined()
    expect(hex(encodeLz4(bytes, bytes.length, whole.length)!)).toBe(hex(whole))
  })

  it("refuses what is no block", () => {
    const bytes = Uint8Array.from({ length: 3000 }, (_, i) => (i * i) % 40)
    const block = encode(bytes)
    expect(decode(block, bytes.length - 1)).toBeUndefined()
    expect(decode(block, bytes.length + 1)).toBeUndefined()
    for (let length = 0; length < block.length; length++) {
      expect(decode(block.subarray(0, length), bytes.length)).toBeUndefined()
    }
    check(
      FastCheck.property(FastCheck.nat(block.length - 1), FastCheck.nat(255), (at, byte) => {
        const changed = block.slice()
        changed[at] = byte
        const content = decode(changed, bytes.length)
        expect(content === undefined || content.length === bytes.length).toBe(true)
      })
    )
    for (const malformed of ["", "10", "f0ff", "0000", "1461", "14610000", "1461020050", "1f610100", "f0"]) {
      expect(decode(bytesOf(malformed), 20)).toBeUndefined()
    }
  })
})

/** Walks over the sequences of a block. */
const sequencesOf = (block: Uint8Array) => {
  let [at, content] = [0, 0]
  let lastMatchStart: number | undefined
  const more = (length: number) => {
    if (length < 15) return length
    let byte: number
    do {
      byte = block[at++]!
      length += byte
    } while (byte === 255)
    return length
  }
  for (;;) {
    const token = block[at++]!
    const literals = more(token >>> 4)
    at += literals
    content += literals
    if (at >= block.length) return { lastLiterals: literals, lastMatchStart }
    lastMatchStart = content
    at += 2
    content += more(token & 15) + 4
  }
}
