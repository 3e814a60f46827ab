import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { writeVarint } from "../../../src/core/bytes/encoding.js"
import { BlockBuilder } from "../../../src/core/table/blockBuilder.js"
import { TableIndex } from "../../../src/core/table/tableIndex.js"
import { anyKey } from "../../support/entries.js"
import { check } from "../../support/property.js"

const malformed = (): never => {
  throw new Error("malformed")
}

/** An index block with these separators, for consecutive data blocks of seven bytes. */
const indexBlock = (separators: ReadonlyArray<Uint8Array>, interval: number): Uint8Array => {
  const builder = new BlockBuilder(interval)
  separators.forEach((key, i) => {
    const value = new Uint8Array(16)
    const end = writeVarint(value, writeVarint(value, 0, i * 7), 7)
    builder.add(key, 0, key.length, 0, 0, value, 0, end, 0)
  })
  const { bytes, length } = builder.finish(0)
  return bytes.slice(0, length)
}

const keys = FastCheck.uniqueArray(anyKey, { maxLength: 70, selector: (key) => key.join() }).map((all) =>
  all.sort(compare)
)

describe("the index of a table", () => {
  it("finds the first block whose separator is at or above a key, in any order of searches", () => {
    check(
      FastCheck.property(
        keys,
        FastCheck.constantFrom(1, 2, 3, 16),
        FastCheck.array(anyKey, { maxLength: 30 }),
        FastCheck.infiniteStream(FastCheck.nat(1000)),
        (separators, interval, others, random) => {
          const index = new TableIndex(indexBlock(separators, interval), 7 * separators.length, malformed)
          expect(index.count).toBe(separators.length)
          const sought = [...separators, ...others].map((key) => [random.next().value, key] as const)
          for (const [, key] of sought.sort((a, b) => a[0] - b[0])) {
            const wanted = separators.filter((separator) => compare(separator, key) < 0).length
            expect(index.find(key, key.length)).toBe(wanted)
            if (wanted < index.count) expect([index.offsetOf(wanted), index.lengthOf(wanted)]).toEqual([wanted * 7, 7])
          }
          expect(index.handles()).toEqual(separators.map((_, i) => ({ offset: i * 7, length: 7 })))
        }
      ),
      200
    )
  })

  it("reports a block beyond the limit when a search reaches its group", () => {
    const separators = Array.from({ length: 40 }, (_, i) => Uint8Array.of(i))
    const index = new TableIndex(indexBlock(separators, 16), 40 * 7 - 1, malformed)
    expect(index.find(Uint8Array.of(20), 1)).toBe(20)
    expect(() => index.find(Uint8Array.of(39), 1)).toThrow("malformed")
    expect(() => index.offsetOf(39)).toThrow("malformed")
    expect(() => index.handles()).toThrow("malformed")
  })

  it("is consistent or malformed, whichever byte is damaged under a valid checksum", () => {
    const separators = Array.from({ length: 62 }, (_, i) => Uint8Array.of(i * 4, 1))
    const sound = indexBlock(separators, 2)
    let malformedLater = 0
    for (let at = 0; at < sound.length; at++) {
      for (const bits of [0x01, 0x80, 0xff]) {
        const block = sound.slice()
        block[at]! ^= bits
        const answers = new Set<number>()
        let thrown = 0
        try {
          const index = new TableIndex(block, 7 * separators.length, malformed)
          for (let search = 0; search < 20; search++) {
            try {
              answers.add(index.find(Uint8Array.of(8), 1))
            } catch {
              thrown++
            }
          }
        } catch {
          continue
        }
        if (thrown > 0 && answers.size > 0) {
          malformedLater++
          expect(answers.size, `byte ${at}`).toBe(1)
        }
      }
    }
    expect(malformedLater).toBeGreaterThan(10)
  })
})
