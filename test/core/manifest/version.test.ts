import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { isAbsentFrom, Version, versionFault } from "../../../src/core/manifest/version.js"
import { check } from "../../support/property.js"
import { anyVersion, numbersOf, table } from "../../support/versions.js"

describe("a version", () => {
  it("is not modified by `apply`", () => {
    check(
      FastCheck.property(anyVersion, FastCheck.nat(), (version, choice) => {
        expect(versionFault(version)).toBeUndefined()
        const before = JSON.stringify(numbersOf(version))
        const all = version.levels.flatMap((tables, level) => tables.map(({ fileNumber }) => ({ level, fileNumber })))
        const removed = all.filter((_, i) => (choice >>> (i % 31)) % 2 === 1)
        const added = [
          { level: 0, table: table(1000, 5, 9) },
          { level: 6, table: table(1001, 255, 255) }
        ]
        const next = version.apply({ removed, added })
        expect(JSON.stringify(numbersOf(version))).toBe(before)
        expect(versionFault(next)).toBeUndefined()
        const expected = [...all.filter((one) => !removed.includes(one)), { fileNumber: 1000 }, { fileNumber: 1001 }]
        expect(numbersOf(next).flat().sort()).toEqual(expected.map(({ fileNumber }) => fileNumber).sort())
        expect(next.levels[0]!.map(({ largestSequence }) => largestSequence)).toEqual(
          next.levels[0]!.map(({ largestSequence }) => largestSequence).sort((a, b) => b - a)
        )
        expect(next.tableCount).toBe(expected.length)
        const anew = new Version(next.levels)
        expect(next.totals).toEqual(anew.totals)
        expect([next.entryCount, next.byteCount]).toEqual([anew.entryCount, anew.byteCount])
        expect(next.deepestLevel).toBe(6)
      })
    )
  })

  it("moves a table down a level under the same file number", () => {
    const version = Version.empty.apply({ removed: [], added: [{ level: 1, table: table(3, 1, 2) }] })
    const moved = version.apply({
      removed: [{ level: 1, fileNumber: 3 }],
      added: [{ level: 2, table: version.levels[1]![0]! }]
    })
    expect(numbersOf(moved)).toEqual([[], [], [3], [], [], [], []])
  })

  it("finds the tables that overlap a range, and the keys that no table could hold", () => {
    check(
      FastCheck.property(
        anyVersion,
        FastCheck.nat(255),
        FastCheck.nat(255),
        FastCheck.nat(5),
        (version, a, b, above) => {
          const [from, to] = [Uint8Array.of(Math.min(a, b)), Uint8Array.of(Math.max(a, b))]
          for (let level = 0; level < 7; level++) {
            const expected = version.levels[level]!.filter(
              ({ smallestKey, largestKey }) => !(compare(largestKey, from) < 0 || compare(smallestKey, to) > 0)
            )
            expect(version.overlapping(level, from, to)).toEqual(expected)
            const above = version.levels[level]!.filter(({ largestKey }) => compare(largestKey, from) >= 0)
            expect(version.overlapping(level, from, undefined)).toEqual(above)
            const under = version.levels[level]!.filter(({ smallestKey }) => compare(smallestKey, to) <= 0)
            expect(version.overlapping(level, undefined, to)).toEqual(under)
            expect(version.overlapping(level, undefined, undefined)).toEqual(version.levels[level])
          }
          const level = above + 1
          const holds = version.levels
            .slice(level)
            .flat()
            .some(({ smallestKey, largestKey }) => compare(smallestKey, from) <= 0 && compare(from, largestKey) <= 0)
          expect(isAbsentFrom(version.levels.slice(level), Uint8Array.of(9, ...from, 9), 1, 2)).toBe(!holds)
          expect(isAbsentFrom(version.levels.slice(level), from, 0, 1)).toBe(!holds)
        }
      ),
      300
    )
  })

  it("is invalid if tables overlap, are listed twice, or have reversed bounds", () => {
    const of = (...levels: ReadonlyArray<ReadonlyArray<ReturnType<typeof table>>>) => versionFault(new Version(levels))
    expect(of([table(1, 1, 5), table(2, 2, 3)], [])).toBeUndefined()
    expect(of([], [table(1, 1, 5), table(2, 6, 6)])).toBeUndefined()
    expect(of([], [table(1, 1, 5), table(2, 5, 6)])).toMatch(/overlap/)
    expect(of([], [table(1, 6, 7), table(2, 1, 2)])).toMatch(/overlap/)
    expect(of([table(1, 1, 5)], [table(1, 1, 5)])).toMatch(/twice/)
    expect(of([table(1, 5, 1)])).toMatch(/reversed/)
  })
})
