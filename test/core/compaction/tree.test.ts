import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import * as picker from "../../../src/core/compaction/compactionPicker.js"
import { manualLevel0, planManual } from "../../../src/core/compaction/manualCompaction.js"
import { mergeInputs, tablesAtMost } from "../../../src/core/compaction/mergeInputs.js"
import type { InternalCursor } from "../../../src/core/cursor/internalCursor.js"
import { mergeCursors } from "../../../src/core/cursor/mergeCursor.js"
import { Retention } from "../../../src/core/cursor/retention.js"
import { VisibleCursor } from "../../../src/core/cursor/visibleCursor.js"
import { isAbsentFrom, Version, versionFault } from "../../../src/core/manifest/version.js"
import { LevelCursor } from "../../../src/core/table/levelCursor.js"
import { TableBuilder } from "../../../src/core/table/tableBuilder.js"
import type { TableMeta } from "../../../src/core/table/tableFormat.js"
import { writeTables } from "../../../src/core/table/tableWriterJob.js"
import { ArrayCursor, anyValue, hex, shortKey, type TestEntry, visibleAt } from "../../support/entries.js"
import { FakeFile } from "../../support/fakeFile.js"
import { check } from "../../support/property.js"
import { finish, openTable, plainOptions, tableCursor, tableStoreId } from "../../support/tables.js"

const limits = { level0Tables: 2, level1Bytes: 1500, levelRatio: 2, threshold: 0.85 }

/** A tree built from its parts. It flushes and compacts as a store does, one step at a time. */
class Tree {
  readonly history: Array<TestEntry> = []
  readonly snapshots: Array<number> = []
  private unflushed: Array<TestEntry> = []
  version = Version.empty
  private readonly files = new Map<number, FakeFile>()

  write(key: Uint8Array, value: Uint8Array | undefined): void {
    const entry = { key, value, sequence: this.history.length + 1 }
    this.history.push(entry)
    this.unflushed.push(entry)
  }

  flush(): void {
    const retention = new Retention(this.held, () => false)
    const tables = this.writeTables(new ArrayCursor(this.unflushed), retention, Number.POSITIVE_INFINITY)
    this.version = this.version.apply({ removed: [], added: tables.map((table) => ({ level: 0, table })) })
    this.unflushed = []
  }

  compact(): void {
    const compaction = picker.pickCompaction(this.version, limits) ?? picker.pickSuperseded(this.version, this.garbage)
    if (compaction !== undefined) this.carryOut(compaction)
  }

  compactRange(smallest: Uint8Array | undefined, largest: Uint8Array | undefined): void {
    const range = { smallest, largest }
    const first = manualLevel0(this.version, range, this.garbage)
    if (first !== undefined) this.carryOut(first)
    for (const compaction of planManual(this.version, range, this.garbage)) this.carryOut(compaction)
  }

  /** The entries visible at `sequence`. */
  read(sequence: number): string {
    const cursors: Array<InternalCursor> = [new ArrayCursor(this.unflushed), ...this.version.levels[0]!.map(this.open)]
    for (const tables of this.version.levels.slice(1)) cursors.push(new LevelCursor(tables, this.open))
    const cursor = new VisibleCursor(mergeCursors(cursors), sequence, { start: undefined, end: undefined })
    const seen: Array<string> = []
    for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
      const key = cursor.keyBytes.subarray(cursor.keyStart, cursor.keyEnd)
      seen.push(`${hex(key)}=${hex(cursor.valueBytes.subarray(cursor.valueStart, cursor.valueEnd))}`)
    }
    return seen.join("\n")
  }

  get deletions(): number {
    return this.version.levels.flat().reduce((n, { deletions }) => n + deletions, 0)
  }

  /** Number of superseded entries in all tables. */
  get superseded(): number {
    return this.version.levels.flat().reduce((n, { superseded }) => n + superseded!.entries, 0)
  }

  private get garbage(): picker.Garbage {
    return { snapshots: this.held, supersededOf: ({ superseded }) => superseded }
  }

  private get held(): ReadonlyArray<number> {
    return [...this.snapshots].sort((a, b) => a - b)
  }

  private readonly open = ({ fileNumber }: TableMeta) =>
    tableCursor(openTable(this.files.get(fileNumber)!, 1000, fileNumber))

  private carryOut(compaction: picker.Compaction): void {
    const { version } = this
    const { outputLevel, inputs } = compaction
    const removed = picker
      .tablesOf(compaction)
      .flatMap(({ level, tables }) => tables.map(({ fileNumber }) => ({ level, fileNumber })))
    let tables = inputs
    if (!picker.isTrivialMove(compaction)) {
      const { runs, below } = mergeInputs(compaction, version)
      const retention = new Retention(this.held, (bytes, start, end) => isAbsentFrom(below, bytes, start, end))
      const cursors = runs.map((run) => new LevelCursor(run, this.open))
      tables = this.writeTables(mergeCursors(cursors), retention, 300)
      expect(tables.length).toBeLessThanOrEqual(tablesAtMost(runs, 300))
    }
    this.version = version.apply({ removed, added: tables.map((table) => ({ level: outputLevel, table })) })
    expect(versionFault(this.version)).toBeUndefined()
  }

  private writeTables(cursor: InternalCursor, retention: Retention, targetSize: number): ReadonlyArray<TableMeta> {
    const begin = () => {
      const fileNumber = this.files.size + 1
      const file = new FakeFile()
      this.files.set(fileNumber, file)
      return new TableBuilder(file, fileNumber, tableStoreId, plainOptions)
    }
    return finish(writeTables(cursor, { begin, retention, targetSize, sliceBytes: 1 << 20 })).tables
  }
}

type Step = (tree: Tree, choice: number) => void

const bound = FastCheck.option(shortKey, { nil: undefined })
const steps: FastCheck.Arbitrary<ReadonlyArray<Step>> = FastCheck.array(
  FastCheck.oneof<Array<FastCheck.WeightedArbitrary<Step>>>(
    {
      weight: 12,
      arbitrary: FastCheck.tuple(shortKey, FastCheck.option(anyValue, { nil: undefined, freq: 2 })).map(
        ([key, value]): Step =>
          (tree) =>
            tree.write(key, value)
      )
    },
    {
      weight: 4,
      arbitrary: FastCheck.constantFrom<Step>(
        (tree) => tree.flush(),
        (tree) => tree.compact()
      )
    },
    {
      weight: 1,
      arbitrary: FastCheck.tuple(bound, bound).map(
        ([from, to]): Step =>
          (tree) =>
            tree.compactRange(from, to)
      )
    },
    {
      weight: 2,
      arbitrary: FastCheck.constantFrom<Step>(
        (tree) => tree.snapshots.push(tree.history.length),
        (tree, choice) => tree.snapshots.splice(choice % Math.max(1, tree.snapshots.length), 1)
      )
    }
  ),
  { maxLength: 120, size: "max" }
)

const expected = (tree: Tree, sequence: number): string =>
  visibleAt(tree.history, sequence)
    .map(({ key, value }) => `${hex(key)}=${hex(value)}`)
    .join("\n")

describe("the tree", () => {
  it("returns the writes visible to every reader, in any order of flushes and compactions", () => {
    check(
      FastCheck.property(steps, FastCheck.nat(), (plan, choice) => {
        const tree = new Tree()
        const compare = () => {
          for (const sequence of [...tree.snapshots, tree.history.length]) {
            expect(tree.read(sequence)).toBe(expected(tree, sequence))
          }
        }
        for (const [i, step] of plan.entries()) {
          step(tree, choice + i)
          if (i % 8 === 0) compare()
        }
        compare()
        tree.snapshots.length = 0
        tree.flush()
        tree.compactRange(undefined, undefined)
        compare()
        expect(tree.deletions).toBe(0)
        expect(tree.superseded).toBe(0)
        expect(tree.version.entryCount).toBe(visibleAt(tree.history, tree.history.length).length)
      }),
      100
    )
  })
})
