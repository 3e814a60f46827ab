import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { Coverage } from "../../../src/core/ranges/coverage.js"
import type { RangeDeletion } from "../../../src/core/ranges/rangeDeletion.js"
import { Skyline } from "../../../src/core/ranges/skyline.js"
import { shortKey } from "../../support/entries.js"
import { check } from "../../support/property.js"

const bounds = FastCheck.tuple(shortKey, FastCheck.option(shortKey, { nil: undefined, freq: 4 }))
/** Range deletions in order, some of them empty. */
const deletions = FastCheck.array(bounds, { maxLength: 12 }).map((ranges) =>
  ranges.map(([start, end], i): RangeDeletion => ({ start, end, sequence: 2 * i + 2 }))
)
const snapshots = FastCheck.uniqueArray(FastCheck.nat(26), { maxLength: 4 })
const keys = FastCheck.sample(shortKey, { seed: 1, numRuns: 60 })
const now = Number.MAX_SAFE_INTEGER

const covers = ({ start, end }: RangeDeletion, key: Uint8Array): boolean =>
  compare(start, key) <= 0 && (end === undefined || compare(key, end) < 0)

const newestOf = (ranges: ReadonlyArray<RangeDeletion>, key: Uint8Array, sequence: number): number =>
  Math.max(0, ...ranges.filter((range) => range.sequence <= sequence && covers(range, key)).map((r) => r.sequence))

const separatesOf = (held: ReadonlyArray<number>) => (from: number, to: number) =>
  held.some((snapshot) => snapshot >= from && snapshot < to)

const coverageOf = (ranges: ReadonlyArray<RangeDeletion>, held: ReadonlyArray<number>): Coverage => {
  const coverage = new Coverage()
  for (const range of ranges) coverage.add(range, separatesOf(held))
  return coverage
}

describe("a coverage", () => {
  it("knows the newest deletion of each key that a reader sees", () => {
    check(
      FastCheck.property(deletions, snapshots, (ranges, held) => {
        const coverage = coverageOf(ranges, held)
        for (const sequence of [...held, now]) {
          const skyline = new Skyline(coverage.share(), sequence)
          for (const key of keys) {
            const newest = newestOf(ranges, key, sequence)
            expect(coverage.newest(key, 0, key.length, sequence)).toBe(newest)
            expect(skyline.over(key, 0, key.length)).toBe(newest)
          }
        }
      }),
      500
    )
  })

  it("has disjoint fragments in order, and no two that could be one", () => {
    check(
      FastCheck.property(deletions, snapshots, (ranges, held) => {
        const fragments = [...coverageOf(ranges, held).share()]
        for (const [i, { start, end, sequences }] of fragments.entries()) {
          expect(end === undefined || compare(start, end) < 0).toBe(true)
          expect(sequences).toStrictEqual([...new Set(sequences)].sort((a, b) => a - b))
          const next = fragments[i + 1]
          if (next === undefined) continue
          const order = compare(end!, next.start)
          expect(order).toBeLessThanOrEqual(0)
          if (order === 0) expect(sequences).not.toStrictEqual(next.sequences)
        }
      })
    )
  })

  it("depends neither on the order of the deletions nor on adding one twice", () => {
    check(
      FastCheck.property(deletions, (ranges) => {
        const there = [...coverageOf(ranges, []).share()]
        expect([...coverageOf([...ranges, ...ranges].reverse(), []).share()]).toStrictEqual(there)
      })
    )
  })

  it("does not change what was handed out", () => {
    check(
      FastCheck.property(deletions, FastCheck.nat(12), (ranges, cut) => {
        const coverage = coverageOf(ranges.slice(0, cut), [])
        const shared = coverage.share()
        const before = [...shared]
        for (const range of ranges.slice(cut)) coverage.add(range, () => false)
        expect([...shared]).toStrictEqual(before)
      })
    )
  })

  it("says that later deletions cover a range only if they cover each of its keys for all readers", () => {
    check(
      FastCheck.property(deletions, snapshots, (ranges, held) => {
        const coverage = coverageOf(ranges, held)
        for (const range of ranges) {
          if (!coverage.supersedes(range, separatesOf(held))) continue
          const later = ranges.filter(({ sequence }) => sequence > range.sequence)
          for (const key of keys.filter((one) => covers(range, one))) {
            const after = later.filter((one) => covers(one, key)).map(({ sequence }) => sequence)
            expect(separatesOf(held)(range.sequence, Math.min(...after))).toBe(false)
            expect(after.length).toBeGreaterThan(0)
          }
        }
      }),
      300
    )
  })

  it("keeps ranges that grow at one end as one fragment", () => {
    const coverage = new Coverage()
    for (let i = 1; i <= 1000; i++) {
      coverage.add({ start: Uint8Array.of(1), end: Uint8Array.of(2, i >>> 8, i & 255), sequence: i }, () => false)
    }
    expect([...coverage.share()]).toStrictEqual([
      { start: Uint8Array.of(1), end: Uint8Array.of(2, 1000 >>> 8, 1000 & 255), sequences: [1000] }
    ])
  })

  it("of many ranges in any order is the same as of few", () => {
    const key = (n: number) => Uint8Array.of(n >>> 8, n & 255)
    const numbers = Array.from({ length: 2000 }, (_, i) => (i * 7919) % 2000)
    const coverage = new Coverage()
    for (const [i, n] of numbers.entries()) {
      coverage.add({ start: key(2 * n), end: key(2 * n + 1), sequence: i + 1 }, () => false)
    }
    expect([...coverage.share()]).toHaveLength(2000)
    for (const [i, n] of numbers.entries()) {
      expect(coverage.newest(key(2 * n), 0, 2, now)).toBe(i + 1)
      expect(coverage.newest(key(2 * n + 1), 0, 2, now)).toBe(0)
    }
    coverage.add({ start: key(100), end: key(3900), sequence: 5000 }, () => false)
    expect([...coverage.share()]).toHaveLength(101)
  })
})
