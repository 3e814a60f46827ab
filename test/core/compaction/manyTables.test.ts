import { describe, expect, it } from "vitest"
import { type Compaction, pickCompaction } from "../../../src/core/compaction/compactionPicker.js"
import { planManual } from "../../../src/core/compaction/manualCompaction.js"
import { mergeInputs } from "../../../src/core/compaction/mergeInputs.js"
import { Version } from "../../../src/core/manifest/version.js"
import { VersionSet } from "../../../src/core/manifest/versionSet.js"
import type { TableMeta } from "../../../src/core/table/tableFormat.js"

/** How often the bounds of tables have been read. */
let looks = 0

const key = (n: number): Uint8Array => Uint8Array.of(n >>> 16, n >>> 8, n)

const table = (fileNumber: number, from: number, to: number): TableMeta => {
  const [smallest, largest] = [key(from), key(to)]
  return {
    fileNumber,
    size: 100,
    get smallestKey() {
      looks++
      return smallest
    },
    get largestKey() {
      looks++
      return largest
    },
    smallestSequence: 1,
    largestSequence: fileNumber,
    entries: 10,
    deletions: 0,
    rawBytes: 50
  }
}

/** A version with `count` tables at level 1, each over two at level 2. */
const wide = (count: number): Version => {
  const upper = Array.from({ length: count }, (_, i) => table(i + 1, i * 8, i * 8 + 7))
  const lower = Array.from({ length: count * 2 }, (_, i) => table(count + i + 1, i * 4, i * 4 + 3))
  return new Version([[], upper, lower, [], [], [], []])
}

const looksOf = (work: () => unknown): number => {
  looks = 0
  work()
  return looks
}

const changesOf = ({ level, outputLevel, inputs, overlaps }: Compaction) => ({
  removed: [
    ...inputs.map(({ fileNumber }) => ({ level, fileNumber })),
    ...overlaps.map(({ fileNumber }) => ({ level: outputLevel, fileNumber }))
  ],
  added: overlaps.map((overlap, i) => {
    const number = (key: Uint8Array): number => (key[0]! << 16) | (key[1]! << 8) | key[2]!
    return {
      level: outputLevel,
      table: table(1_000_000 + inputs[0]!.fileNumber * 10 + i, number(overlap.smallestKey), number(overlap.largestKey))
    }
  })
})

const limits = { level0Tables: 4, level1Bytes: 1, levelRatio: 10, threshold: 1 }
const small = wide(1000)
const large = wide(8000)

describe("eight times as many tables", () => {
  it("cost about the same to find a range in, and to change", () => {
    const overlapping = (version: Version) => looksOf(() => version.overlapping(2, key(4000), key(4020)))
    expect(overlapping(large)).toBeLessThan(overlapping(small) + 20)
    const apply = (version: Version) => {
      const compaction = pickCompaction(version, limits)!
      const changes = changesOf(compaction)
      return looksOf(() => version.apply(changes))
    }
    expect(apply(large)).toBeLessThan(apply(small) + 30)
    const install = (version: Version) => {
      const set = new VersionSet(version, () => undefined)
      const changes = changesOf(pickCompaction(version, limits)!)
      const next = version.apply(changes)
      const pin = set.pin()
      const count = looksOf(() => set.install(next, changes))
      expect(set.takeObsolete()).toEqual([])
      pin.release()
      expect(set.takeObsolete()).toHaveLength(3)
      return count
    }
    expect(install(large)).toBe(0)
    const merge = (version: Version) => {
      const compaction = pickCompaction(version, limits)!
      return looksOf(() => mergeInputs(compaction, version))
    }
    expect(merge(large)).toBeLessThan(merge(small) + 30)
  })

  it("cost eight times as much to pick from, also in a manual compaction", () => {
    const pick = (version: Version) => looksOf(() => pickCompaction(version, limits))
    expect(pick(large)).toBeLessThan(pick(small) * 9)
    const range = { smallest: undefined, largest: undefined }
    const manual = (version: Version) =>
      looksOf(() => planManual(version, range, { snapshots: [], supersededOf: () => undefined }))
    expect(manual(large)).toBeLessThan(manual(small) * 9)
  })

  it("need eight times as many compactions, which cost the same except for picking", () => {
    let looked = 0
    for (let version = wide(1000), i = 0; i < 50; i++) {
      const compaction = pickCompaction(version, limits)!
      expect(compaction).toMatchObject({ level: 1, outputLevel: 2 })
      expect(compaction.overlaps).toHaveLength(2)
      const changes = changesOf(compaction)
      looked += looksOf(() => {
        version = version.apply(changes)
      })
    }
    expect(looked / 50).toBeLessThan(100)
  })
})
