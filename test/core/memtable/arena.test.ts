import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { Arena } from "../../../src/core/memtable/arena.js"
import { check } from "../../support/property.js"

const range = FastCheck.record({ source: FastCheck.nat(2), start: FastCheck.nat(9000), length: FastCheck.nat(600) })

describe("an arena", () => {
  it("holds its pieces, whatever buffers they came from", () => {
    const sources = [10_000, 10_000, 2 * 1024 * 1024].map((size, of) =>
      // Each source starts inside its buffer.
      new Uint8Array(size + 5).map((_, i) => Math.imul(i + of, 0x9e3779b1) >>> 24).subarray(5)
    )
    check(
      FastCheck.property(FastCheck.array(FastCheck.tuple(range, range), { maxLength: 60 }), (pieces) => {
        const arena = new Arena(8 * 1024)
        const places = pieces.map(([first, second]) => {
          arena.take(first.length + second.length)
          arena.fill(0, sources[first.source]!, first.start, first.start + first.length)
          arena.fill(first.length, sources[second.source]!, second.start, second.start + second.length)
          return { block: arena.block, offset: arena.offset }
        })
        for (const [i, { block, offset }] of places.entries()) {
          const expected = pieces[i]!.flatMap(({ source, start, length }) => [
            ...sources[source]!.subarray(start, start + length)
          ])
          const kept = arena.blocks[block]!.subarray(offset, offset + expected.length)
          expect([...kept]).toEqual(expected)
        }
      }),
      200
    )
  })
})
