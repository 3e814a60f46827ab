import * as FastCheck from "effect/FastCheck"
import { compare } from "../../src/core/bytes/bytes.js"
import { levelCount, Version } from "../../src/core/manifest/version.js"
import type { TableMeta } from "../../src/core/table/tableFormat.js"
import { anyKey } from "./entries.js"

const count = FastCheck.nat(2 ** 48 - 1)

/** A `TableMeta` with any numbers, and its keys in order. */
export const anyMeta: FastCheck.Arbitrary<TableMeta> = FastCheck.record({
  fileNumber: count,
  size: count,
  smallestSequence: count,
  largestSequence: count,
  entries: count,
  deletions: count,
  rawBytes: count,
  keys: FastCheck.tuple(anyKey, anyKey)
}).map(({ keys: [a, b], ...numbers }) => ({
  ...numbers,
  smallestKey: compare(a, b) <= 0 ? a : b,
  largestKey: compare(a, b) <= 0 ? b : a
}))

const supersededBy = (entries: number) => ({ entries, bytes: entries * 5 })

/** A table over the closed range [from, to] of one-byte keys. */
export const table = (
  fileNumber: number,
  from: number,
  to: number,
  more: { readonly size?: number; readonly deletions?: number; readonly superseded?: number | undefined } = {}
): TableMeta => ({
  fileNumber,
  size: more.size ?? 100,
  smallestKey: Uint8Array.of(from),
  largestKey: Uint8Array.of(to),
  smallestSequence: 1,
  largestSequence: fileNumber,
  entries: 10,
  deletions: more.deletions ?? 0,
  rawBytes: 50,
  superseded: "superseded" in more && more.superseded === undefined ? undefined : supersededBy(more.superseded ?? 0)
})

/**
 * A valid version: overlapping tables at level 0, disjoint ones below, with file numbers from 1.
 */
export const anyVersion: FastCheck.Arbitrary<Version> = FastCheck.array(
  FastCheck.record({
    level: FastCheck.nat(levelCount - 1),
    from: FastCheck.nat(200),
    width: FastCheck.nat(30),
    size: FastCheck.integer({ min: 1, max: 1000 }),
    deletions: FastCheck.constantFrom(0, 0, 3),
    superseded: FastCheck.constantFrom(0, 0, 0, 4, undefined)
  }),
  { maxLength: 40, size: "max" }
).map((wanted) => {
  const levels: Array<Array<TableMeta>> = Array.from({ length: levelCount }, () => [])
  for (const [i, { level, from, width, size, deletions, superseded }] of wanted.entries()) {
    const candidate = table(i + 1, from, from + width, { size, deletions, superseded })
    const meets = (other: TableMeta) =>
      compare(other.largestKey, candidate.smallestKey) >= 0 && compare(other.smallestKey, candidate.largestKey) <= 0
    if (level === 0) levels[0]!.unshift(candidate)
    else if (!levels[level]!.some(meets)) levels[level]!.push(candidate)
  }
  for (const tables of levels.slice(1)) tables.sort((a, b) => compare(a.smallestKey, b.smallestKey))
  return new Version(levels)
})

export const numbersOf = (version: Version): ReadonlyArray<ReadonlyArray<number>> =>
  version.levels.map((tables) => tables.map(({ fileNumber }) => fileNumber))
