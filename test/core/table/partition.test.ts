import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { PartitionView, partitionBlocks } from "../../../src/core/table/partition.js"
import { PartitionBuilder } from "../../../src/core/table/partitionBuilder.js"
import { anyKey } from "../../support/entries.js"
import { check } from "../../support/property.js"

const key = new ReusableLookupKey()

/** Keys with words, tails and common prefixes that are alike. */
const separator = FastCheck.oneof(
  anyKey,
  FastCheck.tuple(
    FastCheck.constantFrom("", "p", "a common prefix "),
    FastCheck.array(FastCheck.constantFrom(0, 0, 1, 255), { maxLength: 12 })
  ).map(([prefix, bytes]) => Uint8Array.of(...Buffer.from(prefix), ...bytes))
)

const separators = FastCheck.uniqueArray(separator, {
  minLength: 1,
  maxLength: partitionBlocks,
  selector: (bytes) => bytes.join()
}).map((all) => all.sort(compare))

const partitionOf = (
  names: ReadonlyArray<Uint8Array>,
  sizes: ReadonlyArray<number>,
  base: number,
  rate: number
): Uint8Array => {
  const builder = new PartitionBuilder(rate)
  let offset = base
  for (const [i, name] of names.entries()) {
    key.set(name)
    builder.addKey(key.hash1, key.hash2)
    builder.addBlock(name, offset, offset + sizes[i]!)
    offset += sizes[i]!
  }
  return builder.finish(0)
}

describe("a partition", () => {
  it("finds the first block whose separator is at or above a key, and its place", () => {
    check(
      FastCheck.property(
        separators,
        FastCheck.array(separator, { maxLength: 20 }),
        FastCheck.infiniteStream(FastCheck.constantFrom(6, 1000, 2 ** 26)),
        FastCheck.constantFrom(32, 2 ** 40),
        FastCheck.constantFrom(0.01, 1),
        (names, others, random, base, rate) => {
          const sizes = names.map(() => random.next().value!)
          const bytes = partitionOf(names, sizes, base, rate)
          const placed = Uint8Array.of(9, ...bytes)
          const view = new PartitionView()
          expect(view.open(placed, 1, placed.length)).toBe(true)
          const end = base + sizes.reduce((sum, size) => sum + size, 0)
          expect([view.isValid(end), view.isValid(end - 1)]).toEqual([true, false])
          expect([view.count, view.base]).toEqual([names.length, base])
          for (const name of names) expect(view.mayHold(key.set(name))).toBe(true)
          for (const sought of [...names, ...others]) {
            const block = names.filter((name) => compare(name, sought) < 0).length
            expect(view.find(sought, sought.length)).toBe(block)
            for (const [i, name] of names.entries()) {
              expect(view.separatorIs(i, sought, sought.length)).toBe(compare(name, sought) === 0)
            }
          }
          let offset = base
          for (const [i, size] of sizes.entries()) {
            expect([view.blockStart(i), view.blockEnd(i)]).toEqual([offset, offset + size])
            offset += size
          }
        }
      ),
      200
    )
  })

  it("holds blocks that span more than 4 GiB", () => {
    const names = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]
    const bytes = partitionOf(names, [2 ** 31, 2 ** 31, 77], 100, 0.01)
    const view = new PartitionView()
    expect(view.open(bytes, 0, bytes.length)).toBe(true)
    expect(view.isValid(2 ** 40)).toBe(true)
    expect([view.blockStart(2), view.blockEnd(2)]).toEqual([100 + 2 ** 32, 177 + 2 ** 32])
  })
})
