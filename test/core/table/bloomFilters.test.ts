import BloomFilters from "bloom-filters"
import { describe, expect, it } from "vitest"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { FilterBuilder, type Hashes, KeyFilter, packageRate } from "../../../src/core/table/filterBuilder.js"
import { hasInLines, lineBits, lineBytes } from "../../../src/core/table/lineFilter.js"

// The behaviour of the package `bloom-filters` that table filters depend on. If this file fails
// after an update of the package, compare the tables that it writes before you accept the update:
// see docs/decisions/0002-bloom-filters.md.

const { BitSet, BloomFilter, Hashing } = BloomFilters

type Element = Parameters<InstanceType<typeof BloomFilter>["has"]>[0]

/** The package types elements as strings and buffers, but passes them to its hashing unchanged. */
const elementOf = ({ hash1, hash2 }: Hashes): Element => ({ hash1, hash2 }) as unknown as Element

const hashesOf = (name: string): Hashes => {
  const key = new ReusableLookupKey().set(name)
  return { hash1: key.hash1, hash2: key.hash2 }
}

const sizings = [
  [1, 0.5],
  [1, 0.01],
  [7, 0.999],
  [100, 0.1],
  [1000, 0.01],
  [20_000, 1e-6],
  [1_000_000, 0.01]
] as const

/** Two filters of the same keys: the package's with our hashing, and the one that tables use. */
const both = (keys: number, rate: number) => {
  const theirs = KeyFilter.create(keys, packageRate(rate))
  const builder = new FilterBuilder(keys, rate)
  for (let i = 0; i < keys; i++) {
    theirs.add(elementOf(hashesOf(`in${i}`)))
    builder.add(hashesOf(`in${i}`))
  }
  return { theirs, ours: builder.build() }
}

describe("bloom-filters", () => {
  it.each(sizings)(
    "sizes a filter of %i keys at %d by the usual formulas, and constructs the subclass",
    (keys, rate) => {
      const filter = KeyFilter.create(keys, rate)
      const size = Math.ceil(-((keys * Math.log(rate)) / Math.log(2) ** 2))
      expect(filter, "BloomFilter.create no longer constructs the class that it is called on").toBeInstanceOf(KeyFilter)
      expect((filter as KeyFilter).bits, "BloomFilter.create chooses another size").toBe(size)
      expect(filter.size, "`size` is not the number of bits").toBe(Math.ceil(size / lineBits) * lineBits)
      expect(
        (filter as KeyFilter).hashCount,
        "BloomFilter.create chooses another number of hashes, or passes it differently"
      ).toBe(Math.ceil((size / keys) * Math.log(2)))
    }
  )

  it("gets the indexes from `_hashing`, once for each operation, and hashes nothing itself", () => {
    const calls: Array<ReadonlyArray<unknown>> = []
    class Recording extends Hashing {
      override getIndexes(...args: [element: unknown, size: number, hashCount: number, seed?: number]): Array<number> {
        calls.push(args)
        return [0, 9]
      }
      override serialize(): number {
        throw new Error("bloom-filters serializes an element that it should pass to getIndexes")
      }
    }
    const filter = BloomFilter.create(10, 0.01)
    filter._hashing = new Recording()
    const element = elementOf({ hash1: 1, hash2: 2 })
    const call = [element, filter.size, 7, filter.seed]
    filter.add(element)
    expect(calls, "BloomFilter.add calls `_hashing.getIndexes` differently").toEqual([call])
    expect(calls[0]![0], "BloomFilter.add changes the element before it is hashed").toBe(element)
    expect(filter.has(element), "BloomFilter.has does not find the indexes that `getIndexes` returned").toBe(true)
    expect(calls, "BloomFilter.has calls `_hashing.getIndexes` differently").toEqual([call, call])
    expect(filter.length, "BloomFilter.add sets other bits than `getIndexes` returned").toBe(2)
  })

  it("calls the hashing of the subclass", () => {
    const { hash1, hash2 } = hashesOf("a")
    const filter = KeyFilter.create(10, 0.01)
    let reads = 0
    const element = {
      get hash1() {
        reads++
        return hash1
      },
      hash2
    }
    filter.add(element as unknown as Element)
    expect(reads, "BloomFilter.add does not use the hashing that the subclass has set").toBe(1)
    expect(filter.has(elementOf({ hash1, hash2 }))).toBe(true)
  })

  it.each([1, 7, 8, 9, 64, 77])("keeps bit i of a set of %i in byte i / 8, the lowest first", (size) => {
    for (let i = 0; i < size; i++) {
      const set = new BitSet(size)
      set.add(i)
      const expected = new Uint8Array(Math.ceil(size / 8))
      expected[i >>> 3] = 1 << (i & 7)
      expect(set.array, "BitSet has another length or order of bits").toEqual(expected)
    }
  })

  it.each([
    [1, 0.5],
    [50, 0.999],
    [333, 0.1],
    [5000, 0.01],
    [200, 1e-6]
  ])("exports the bits that a table's filter of %i keys at %d has", (keys, rate) => {
    const { theirs, ours } = both(keys, rate)
    const { content } = (theirs.saveAsJSON() as { _filter: { content: string } })._filter
    expect(
      Buffer.from(content, "base64").toString("hex"),
      "a BloomFilter with our hashing has other bits than the filters in tables"
    ).toBe(Buffer.from(ours.bytes).toString("hex"))
  })

  it.each([
    [1, 0.5],
    [50, 0.999],
    [333, 0.1],
    [5000, 0.01],
    [200, 1e-6]
  ])("finds the same keys in a filter of %i at %d as a lookup in a table does", (keys, rate) => {
    const { theirs, ours } = both(keys, rate)
    const lines = ours.bytes.length / lineBytes
    const key = new ReusableLookupKey()
    let found = 0
    for (let i = 0; i < keys + 5000; i++) {
      const name = i < keys ? `in${i}` : `out${i}`
      const there = hasInLines(ours.bytes, 0, lines, ours.hashCount, key.set(name))
      if (there) found++
      if (theirs.has(elementOf(hashesOf(name))) !== there) {
        expect.fail(`BloomFilter.has and the lookup in a table differ on the key ${name}`)
      }
    }
    expect(found).toBeGreaterThanOrEqual(keys)
  })
})
