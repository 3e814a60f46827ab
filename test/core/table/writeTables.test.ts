import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { tablesAtMost } from "../../../src/core/compaction/mergeInputs.js"
import { Retention } from "../../../src/core/cursor/retention.js"
import { separator, TableBuilder } from "../../../src/core/table/tableBuilder.js"
import type { TableMeta } from "../../../src/core/table/tableFormat.js"
import { writeTables } from "../../../src/core/table/tableWriterJob.js"
import {
  ArrayCursor,
  anyKey,
  collect,
  history,
  inOrder,
  shortKey,
  show,
  type TestEntry
} from "../../support/entries.js"
import { FakeFile } from "../../support/fakeFile.js"
import { check } from "../../support/property.js"
import { openTable, plainOptions, tableCursor, tableStoreId } from "../../support/tables.js"

const write = (
  entries: ReadonlyArray<TestEntry>,
  targetSize: number,
  sliceBytes = 1 << 20,
  retention = new Retention(
    entries.map(({ sequence }) => sequence),
    () => false
  ),
  options = plainOptions
) => {
  const files: Array<FakeFile> = []
  let slices = 0
  const steps = writeTables(new ArrayCursor(entries), {
    begin: () => {
      const file = new FakeFile(`${files.length + 1}.sst`)
      files.push(file)
      return new TableBuilder(file, files.length, tableStoreId, options)
    },
    retention,
    targetSize,
    sliceBytes
  })
  for (;;) {
    const step = steps.next()
    if (step.done === true) return { ...step.value, files, slices }
    slices++
  }
}

const contents = (files: ReadonlyArray<FakeFile>) =>
  files.map((file, i) => collect(tableCursor(openTable(file, 0, i + 1))))

describe("writing tables", () => {
  it("splits them at the target size, but never between versions of a key", () => {
    check(
      FastCheck.property(
        FastCheck.oneof(history(shortKey, { maxLength: 80 }), history(anyKey, { maxLength: 80 })),
        FastCheck.constantFrom(1, 200, 600, 5000, Number.POSITIVE_INFINITY),
        FastCheck.constantFrom(1, 500, 1 << 20),
        (entries, targetSize, sliceBytes) => {
          const { tables, files, entriesRead, entriesDropped, slices } = write(entries, targetSize, sliceBytes)
          const inTables = contents(files)
          expect(inTables.flat().map(show)).toEqual(inOrder(entries).map(show))
          expect([entriesRead, entriesDropped, tables.length]).toEqual([entries.length, 0, files.length])
          if (sliceBytes === 1) expect(slices).toBe(entries.length)
          for (let i = 1; i < tables.length; i++) {
            expect(compare(tables[i - 1]!.largestKey, tables[i]!.smallestKey)).toBeLessThan(0)
          }
          for (const [i, table] of tables.entries()) {
            expect(table.size).toBe(files[i]!.bytes.length)
            if (i < tables.length - 1) expect(table.size).toBeGreaterThanOrEqual(targetSize)
            // Without its last key, the table would be below the target size.
            const rest = inTables[i]!.filter(({ key }) => compare(key, table.largestKey) !== 0)
            if (targetSize > 1) expect(rest.length === 0 || write(rest, targetSize).tables.length === 1).toBe(true)
          }
        }
      )
    )
  })

  it("writes no more of them than `tablesAtMost`", () => {
    check(
      FastCheck.property(
        FastCheck.oneof(
          history(shortKey, { minLength: 1, maxLength: 80 }),
          history(anyKey, { minLength: 1, maxLength: 80 })
        ),
        FastCheck.constantFrom(1, 33, 64, 100, 200, 600, Number.POSITIVE_INFINITY),
        FastCheck.constantFrom(1, 64, 4096),
        FastCheck.constantFrom(1, 16),
        (entries, targetSize, blockSize, restartInterval) => {
          const whole = write(entries, Number.POSITIVE_INFINITY).tables
          const options = { ...plainOptions, blockSize, restartInterval }
          const { tables } = write(entries, targetSize, 1 << 20, undefined, options)
          expect(tables.length).toBeLessThanOrEqual(tablesAtMost([whole], targetSize))
        }
      )
    )
  })

  it("writes no table if there are no entries, or if all are dropped", () => {
    expect(write([], 1000)).toMatchObject({ tables: [], entriesRead: 0 })
    const entries = [1, 2, 3].map((n) => ({ key: Uint8Array.of(n), sequence: n, value: undefined }))
    const dropped = write(entries, 1, 1 << 20, new Retention([], () => true))
    expect(dropped).toMatchObject({ tables: [], files: [], entriesRead: 3, entriesDropped: 3 })
  })

  it("returns the properties of each table", () => {
    check(
      FastCheck.property(history(shortKey, { minLength: 1, maxLength: 60 }), (entries) => {
        const { tables, files } = write(entries, 300)
        for (const [i, some] of contents(files).entries()) {
          const sequences = some.map(({ sequence }) => sequence)
          const expected: Partial<TableMeta> = {
            fileNumber: i + 1,
            entries: some.length,
            deletions: some.filter(({ value }) => value === undefined).length,
            smallestSequence: Math.min(...sequences),
            largestSequence: Math.max(...sequences)
          }
          expect(tables[i]).toMatchObject(expected)
        }
      })
    )
  })
})

describe("a separator", () => {
  it("separates two keys, and is no longer than the first", () => {
    check(
      FastCheck.property(anyKey, anyKey, (a, b) => {
        if (compare(a, b) >= 0) return
        const between = separator(a, Uint8Array.of(9, ...b, 9), 1, 1 + b.length)
        expect(compare(between, a)).toBeGreaterThanOrEqual(0)
        expect(compare(between, b)).toBeLessThan(0)
        expect(between.length).toBeLessThanOrEqual(a.length)
      }),
      1000
    )
  })
})
