import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import * as picker from "../../../src/core/compaction/compactionPicker.js"
import { manualLevel0, planManual } from "../../../src/core/compaction/manualCompaction.js"
import { levelCount, Version, versionFault } from "../../../src/core/manifest/version.js"
import type { TableMeta } from "../../../src/core/table/tableFormat.js"
import { check } from "../../support/property.js"
import { anyVersion, numbersOf, table } from "../../support/versions.js"

const limits = { level0Tables: 4, level1Bytes: 500, levelRatio: 2, threshold: 0.85 }

/** The version after a compaction that merges everything into one table of the widest range. */
const carryOut = (version: Version, compaction: picker.Compaction): Version => {
  const { outputLevel, inputs } = compaction
  const all = picker.tablesOf(compaction)
  const removed = all.flatMap(({ level, tables }) => tables.map(({ fileNumber }) => ({ level, fileNumber })))
  if (picker.isTrivialMove(compaction)) {
    return version.apply({ removed, added: inputs.map((moved) => ({ level: outputLevel, table: moved })) })
  }
  const { smallest, largest } = picker.keyRange(all.flatMap(({ tables }) => tables))
  const highest = Math.max(...numbersOf(version).flat())
  const merged = { ...table(highest + 1, 0, 0), smallestKey: smallest, largestKey: largest }
  return version.apply({ removed, added: [{ level: outputLevel, table: merged }] })
}

/** Takes the superseded versions of each table from its `TableMeta`. */
const garbage = (...snapshots: ReadonlyArray<number>): picker.Garbage => ({
  snapshots,
  supersededOf: ({ superseded }) => superseded
})

/** Whether a table may hold versions that no snapshot needs. */
const holdsGarbage = ({ superseded, smallestSequence, largestSequence }: TableMeta, snapshots: ReadonlyArray<number>) =>
  (superseded === undefined ? smallestSequence < largestSequence : superseded.entries > 0) &&
  !snapshots.some((held) => held >= smallestSequence && held < largestSequence)

const meets = (a: TableMeta, b: TableMeta) =>
  compare(a.largestKey, b.smallestKey) >= 0 && compare(a.smallestKey, b.largestKey) <= 0

/** Checks a compaction: it must not move a version of a key below an older one. */
const expectSound = (version: Version, compaction: picker.Compaction): void => {
  const { outputLevel, inputs } = compaction
  expect(inputs.length).toBeGreaterThan(0)
  expect(outputLevel).toBeLessThan(levelCount)
  const included = picker.tablesOf(compaction)
  const numbers = new Set(included.flatMap(({ tables }) => tables.map(({ fileNumber }) => fileNumber)))
  for (const { level, tables } of included) {
    expect(level).toBeLessThanOrEqual(outputLevel)
    for (const one of tables) {
      expect(version.levels[level]).toContain(one)
      for (let below = level; below <= (level === outputLevel ? -1 : outputLevel); below++) {
        for (const other of version.levels[below]!) if (meets(one, other)) expect(numbers).toContain(other.fileNumber)
      }
    }
  }
  const next = carryOut(version, compaction)
  expect(versionFault(next)).toBeUndefined()
}

describe("the compaction picker", () => {
  it("keeps versions valid, until every level is within its limit", () => {
    check(
      FastCheck.property(anyVersion, (start) => {
        let version = start
        for (let i = 0; ; i++) {
          const compaction = picker.pickCompaction(version, limits)
          const scores = picker.levelScores(version, limits)
          if (compaction === undefined) {
            for (const score of scores) expect(score).toBeLessThan(limits.threshold)
            return
          }
          expect(scores[compaction.level]).toBe(Math.max(...scores))
          expectSound(version, compaction)
          version = carryOut(version, compaction)
          expect(i).toBeLessThan(300)
        }
      }),
      120
    )
  })

  it("compacts a range manually to the deepest level, and drops its tombstones", () => {
    const bound = FastCheck.option(FastCheck.nat(255), { nil: undefined })
    const held = FastCheck.uniqueArray(FastCheck.nat(60), { maxLength: 3 })
    check(
      FastCheck.property(anyVersion, bound, bound, held, (start, a, b, unsorted) => {
        const snapshots = [...unsorted].sort((one, other) => one - other)
        const [from, to] = a !== undefined && b !== undefined && a > b ? [b, a] : [a, b]
        const range = {
          smallest: from === undefined ? undefined : Uint8Array.of(from),
          largest: to === undefined ? undefined : Uint8Array.of(to)
        }
        const touches = ({ smallestKey, largestKey }: TableMeta) =>
          (from === undefined || largestKey[0]! >= from) && (to === undefined || smallestKey[0]! <= to)
        let version = start
        const first = manualLevel0(version, range, garbage(...snapshots))
        if (first !== undefined) {
          expectSound(version, first)
          version = carryOut(version, first)
        }
        const written = new Set<number>()
        for (const compaction of planManual(version, range, garbage(...snapshots))) {
          expectSound(version, compaction)
          for (const { tables } of picker.tablesOf(compaction)) {
            for (const { fileNumber } of tables) {
              expect(written).not.toContain(fileNumber)
              written.add(fileNumber)
            }
          }
          version = carryOut(version, compaction)
        }
        const touched = version.levels.map((tables) => tables.filter(touches))
        const deepest = touched.findLastIndex((tables) => tables.length > 0)
        for (let at = 0; at < deepest; at++) expect(touched[at]).toEqual([])
        expect(version.levels[0]!.filter(touches)).toEqual([])
        for (const left of touched[version.deepestLevel]!) {
          const oldest = snapshots[0] ?? Number.POSITIVE_INFINITY
          if (version.deepestLevel > 0 && oldest >= left.smallestSequence) expect(left.deletions).toBe(0)
          expect(holdsGarbage(left, snapshots)).toBe(false)
        }
      }),
      120
    )
  })

  const all = { smallest: undefined, largest: undefined }

  it("merges all levels at once in a manual compaction, and moves what overlaps nothing", () => {
    const version = new Version([
      [table(9, 1, 4), table(8, 2, 6)],
      [table(1, 3, 5), table(2, 20, 21), table(3, 30, 31)],
      [table(4, 6, 7), table(5, 22, 23)],
      [table(6, 1, 2), table(7, 24, 25)],
      [],
      [],
      []
    ])
    const plan = planManual(version, all, garbage())
    expect(plan.map(({ level, outputLevel }) => [level, outputLevel])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
      [1, 3]
    ])
    const [merge, ...moves] = plan
    expect(merge!.inputs.map(({ fileNumber }) => fileNumber)).toEqual([9, 8])
    expect(picker.tablesOf(merge!).map(({ level, tables }) => [level, tables.length])).toEqual([
      [0, 2],
      [1, 1],
      [2, 1],
      [3, 1]
    ])
    expect(moves.map(picker.isTrivialMove)).toEqual([true, true, true])
    expect(picker.isTrivialMove(merge!)).toBe(false)
  })

  it("merges neighbours with tombstones together in a manual compaction", () => {
    const tables = [table(1, 1, 2, { deletions: 1 }), table(2, 3, 4, { deletions: 1 }), table(3, 5, 6), table(4, 7, 8)]
    const version = new Version([[], [], tables, [], [], [], []])
    const [compaction, ...others] = planManual(version, all, garbage())
    expect(others).toEqual([])
    expect(compaction).toMatchObject({ reason: "tombstones", level: 2, outputLevel: 2 })
    expectSound(version, compaction!)
    expect(numbersOf(carryOut(version, compaction!))[2]).toEqual([5, 3, 4])
  })

  it("rewrites tables with versions that no snapshot needs, each once", () => {
    const held = FastCheck.uniqueArray(FastCheck.nat(60), { maxLength: 3 })
    check(
      FastCheck.property(anyVersion, held, (start, unsorted) => {
        const snapshots = [...unsorted].sort((one, other) => one - other)
        const isDue = (one: TableMeta) => one.superseded !== undefined && holdsGarbage(one, snapshots)
        const due = start.levels.slice(1).flat().filter(isDue).length
        let version = start
        let written = 0
        for (;;) {
          const compaction = picker.pickSuperseded(version, garbage(...snapshots))
          if (compaction === undefined) break
          expect(compaction).toMatchObject({ reason: "versions", outputLevel: compaction.level })
          for (const input of compaction.inputs) expect(isDue(input)).toBe(true)
          expectSound(version, compaction)
          written += compaction.inputs.length
          version = carryOut(version, compaction)
          expect(written).toBeLessThanOrEqual(due)
        }
        expect(written).toBe(due)
        expect(version.levels.slice(1).flat().some(isDue)).toBe(false)
      }),
      200
    )
  })

  it("leaves alone tables with few such versions, except in a manual compaction", () => {
    const few = { ...table(1, 1, 2), superseded: { entries: 1, bytes: 4 }, entries: 11, largestSequence: 9 }
    const version = new Version([[], [], [few], [], [], [], []])
    expect(picker.pickSuperseded(version, garbage())).toBeUndefined()
    expect(planManual(version, all, garbage())).toMatchObject([{ reason: "versions", level: 2, outputLevel: 2 }])
    for (const needed of [1, 8]) expect(planManual(version, all, garbage(0, needed))).toEqual([])
    expect(planManual(version, all, garbage(0, 9))).toMatchObject([{ inputs: [few] }])
    const big = { ...few, superseded: { entries: 1, bytes: 5 } }
    const other = new Version([[], [], [big], [], [], [], []])
    expect(picker.pickSuperseded(other, garbage())).toMatchObject({ inputs: [big] })
  })

  it("picks the table with the least to rewrite below it, as a full search does", () => {
    check(
      FastCheck.property(anyVersion, FastCheck.integer({ min: 1, max: levelCount - 2 }), (version, level) => {
        // Only this level exceeds its limit.
        const scored = { level0Tables: 1000, level1Bytes: 1, levelRatio: 1, threshold: 1 }
        const alone = new Version(version.levels.map((tables, at) => (at === level || at === level + 1 ? tables : [])))
        const compaction = picker.pickCompaction(alone, scored)
        if (compaction === undefined || compaction.level !== level) return
        const ratioOf = (one: TableMeta) => {
          const below = version.levels[level + 1]!.filter(
            (other) =>
              compare(other.largestKey, one.smallestKey) >= 0 && compare(other.smallestKey, one.largestKey) <= 0
          )
          return below.reduce((n, { size }) => n + size, 0) / one.size
        }
        const ratios = version.levels[level]!.map(ratioOf)
        expect(compaction.inputs).toEqual([version.levels[level]![ratios.indexOf(Math.min(...ratios))]])
      }),
      300
    )
  })

  it("picks the table with the least to rewrite below it", () => {
    const version = new Version([
      [],
      [table(1, 1, 3), table(2, 4, 6), table(3, 7, 9)],
      [table(4, 1, 2), table(5, 3, 3), table(6, 4, 5, { size: 10 }), table(7, 8, 9)],
      [],
      [],
      [],
      []
    ])
    const compaction = picker.pickCompaction(version, { ...limits, level1Bytes: 200 })
    expect(compaction).toMatchObject({ level: 1, inputs: [{ fileNumber: 2 }], overlaps: [{ fileNumber: 6 }] })
  })

  it("moves tables without overlap, but rewrites overlapping ones and those with entries to drop", () => {
    const levels = (...tables: ReadonlyArray<TableMeta>) => new Version([tables, [], [], [], [], [], []])
    const one = { level0Tables: 1, level1Bytes: 500, levelRatio: 2, threshold: 1 }
    const alone = (...tables: ReadonlyArray<TableMeta>) =>
      picker.isTrivialMove(picker.pickCompaction(levels(...tables), one)!)
    const byHand = (held: ReadonlyArray<number>, ...tables: ReadonlyArray<TableMeta>) =>
      planManual(levels(...tables), all, garbage(...held)).every(picker.isTrivialMove)
    for (const of of [alone, (...tables: ReadonlyArray<TableMeta>) => byHand([], ...tables)]) {
      expect(of(table(2, 1, 2), table(1, 3, 4))).toBe(true)
      expect(of(table(2, 3, 4), table(1, 1, 2))).toBe(true)
      expect(of(table(2, 1, 3), table(1, 3, 4))).toBe(false)
    }
    expect(alone(table(1, 1, 2, { deletions: 1 }))).toBe(true)
    expect(byHand([], table(1, 1, 2, { deletions: 1 }))).toBe(false)
    expect(alone(table(9, 1, 2, { superseded: 4 }))).toBe(true)
    expect(byHand([], table(9, 1, 2, { superseded: 4 }))).toBe(false)
    expect(byHand([], table(9, 1, 2, { superseded: undefined }))).toBe(false)
    expect(byHand([5], table(9, 1, 2, { superseded: 4 }))).toBe(true)
    expect(byHand([9], table(9, 1, 2, { superseded: 4 }))).toBe(false)
  })
})
