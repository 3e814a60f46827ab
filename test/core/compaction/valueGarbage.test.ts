import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import * as picker from "../../../src/core/compaction/compactionPicker.js"
import { planManual } from "../../../src/core/compaction/manualCompaction.js"
import { filesAtMost, mergeInputs } from "../../../src/core/compaction/mergeInputs.js"
import * as garbage from "../../../src/core/compaction/valueGarbage.js"
import { EntryKind } from "../../../src/core/cursor/entryKind.js"
import type { InternalCursor } from "../../../src/core/cursor/internalCursor.js"
import { mergeCursors } from "../../../src/core/cursor/mergeCursor.js"
import { Retention } from "../../../src/core/cursor/retention.js"
import { isAbsentFrom, Version, versionFault } from "../../../src/core/manifest/version.js"
import { fileHeaderSize } from "../../../src/core/storage/fileHeader.js"
import { LevelCursor } from "../../../src/core/table/levelCursor.js"
import { Separation } from "../../../src/core/table/separation.js"
import { TableBuilder } from "../../../src/core/table/tableBuilder.js"
import { decodeProperties, encodeProperties, type TableMeta } from "../../../src/core/table/tableFormat.js"
import { writeTables } from "../../../src/core/table/tableWriterJob.js"
import { openValueFile } from "../../../src/core/values/valueFileReader.js"
import { ValueFileWriter } from "../../../src/core/values/valueFileWriter.js"
import { FileValueSource } from "../../../src/core/values/valueSource.js"
import { ArrayCursor, hex, type TestEntry } from "../../support/entries.js"
import { FakeFile } from "../../support/fakeFile.js"
import { check } from "../../support/property.js"
import { finish, openTable, plainOptions, tableCursor, tableStoreId } from "../../support/tables.js"

const fileSize = 400
const targetSize = 500

/** Tables and value files, flushed and compacted one step at a time. */
class Store {
  readonly model = new Map<string, string>()
  private unflushed: Array<TestEntry> = []
  private sequence = 0
  version = Version.empty
  private readonly files = new Map<number, FakeFile>()
  written = 0

  constructor(public threshold: number) {}

  write(key: number, value: Uint8Array | undefined): void {
    const bytes = Uint8Array.of(key)
    this.unflushed.push({ key: bytes, value, sequence: ++this.sequence })
    if (value === undefined) this.model.delete(hex(bytes))
    else this.model.set(hex(bytes), hex(value))
  }

  flush(): void {
    if (this.unflushed.length === 0) return
    const retention = new Retention([], () => false)
    const { tables, valueFiles } = this.writeTables(new ArrayCursor(this.unflushed), retention, [])
    this.version = this.version.apply({
      removed: [],
      added: tables.map((table) => ({ level: 0, table })),
      valueFiles
    })
    this.unflushed = []
    this.check()
  }

  /** Background work until there is none. Returns the number of compactions. */
  settle(limits: picker.CompactionLimits): number {
    for (let n = 0; ; n++) {
      const compaction = picker.pickCompaction(this.version, limits) ?? garbage.pickValues(this.version)
      if (compaction === undefined) return n
      if (n > 200) throw new Error("no end")
      this.carryOut(compaction, garbage.dueFiles(this.version))
    }
  }

  compactAll(): void {
    for (let round = 0; round < 2; round++) {
      const staleFiles = garbage.staleFiles(this.version)
      const range = { smallest: undefined, largest: undefined }
      const found = { snapshots: [], supersededOf: ({ superseded }: TableMeta) => superseded, staleFiles }
      for (const compaction of planManual(this.version, range, found)) this.carryOut(compaction, staleFiles)
    }
  }

  /** Bytes of the values in value files, and of those in use. */
  get values(): { readonly held: number; readonly live: number } {
    let held = 0
    let live = 0
    for (const { size, bytes } of this.version.valueFiles.values()) {
      held += size - fileHeaderSize
      live += bytes
    }
    return { held, live }
  }

  private readonly source = new FileValueSource(
    (fileNumber) => openValueFile(() => this.files.get(fileNumber)!, "", fileNumber, tableStoreId),
    { readAhead: 100, giveValues: true },
    ""
  )

  private check(): void {
    expect(versionFault(this.version)).toBeUndefined()
    // The totals are those that a version that is read anew would have.
    const read = Version.empty.apply({
      removed: [],
      added: this.version.levels.flatMap((tables, level) => tables.map((table) => ({ level, table }))),
      valueFiles: [...this.version.valueFiles.values()]
    })
    expect([...read.valueFiles.values()].sort(byNumber)).toEqual([...this.version.valueFiles.values()].sort(byNumber))
    const found = new Map<string, string>()
    const cursor = mergeCursors([
      new ArrayCursor(this.unflushed),
      ...this.version.levels[0]!.map(this.open),
      ...this.version.levels.slice(1).map((tables) => new LevelCursor(tables, this.open))
    ])
    let last = ""
    for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
      const { keyBytes, keyStart, keyEnd, kind, valueBytes, valueStart, valueEnd } = cursor
      const key = hex(keyBytes.subarray(keyStart, keyEnd))
      if (key === last) continue
      last = key
      if (kind === EntryKind.deletion) continue
      const value =
        kind === EntryKind.valueHandle
          ? this.source.read(valueBytes, valueStart, valueEnd)
          : valueBytes.subarray(valueStart, valueEnd)
      found.set(key, hex(value))
    }
    expect(found).toEqual(this.model)
  }

  private readonly open = ({ fileNumber }: TableMeta): InternalCursor =>
    tableCursor(openTable(this.files.get(fileNumber)!, 1000, fileNumber))

  private carryOut(compaction: picker.Compaction, due: ReadonlyArray<number>): void {
    const { version } = this
    const { outputLevel, inputs } = compaction
    const removed = picker
      .tablesOf(compaction)
      .flatMap(({ level, tables }) => tables.map(({ fileNumber }) => ({ level, fileNumber })))
    if (picker.isTrivialMove(compaction)) {
      this.version = version.apply({ removed, added: inputs.map((table) => ({ level: outputLevel, table })) })
    } else {
      const { runs, below } = mergeInputs(compaction, version)
      const retention = new Retention([], (bytes, start, end) => isAbsentFrom(below, bytes, start, end))
      const cursors = runs.map((run) => new LevelCursor(run, this.open))
      const collect = garbage.filesToCollect(version, compaction, due, fileSize)
      const { tables, valueFiles } = this.writeTables(mergeCursors(cursors), retention, collect)
      expect(tables.length + valueFiles.length).toBeLessThanOrEqual(filesAtMost(runs, targetSize, fileSize))
      for (const { valueRefs = [] } of tables) {
        for (const { fileNumber } of valueRefs) expect(collect).not.toContain(fileNumber)
      }
      this.version = version.apply({
        removed,
        added: tables.map((table) => ({ level: outputLevel, table })),
        valueFiles
      })
    }
    this.check()
  }

  private writeTables(cursor: InternalCursor, retention: Retention, collect: ReadonlyArray<number>) {
    const create = () => {
      const fileNumber = this.files.size + 1
      const file = new FakeFile()
      this.files.set(fileNumber, file)
      return { fileNumber, file }
    }
    const separation = new Separation({
      threshold: this.threshold,
      fileSize,
      begin: () => {
        const { file, fileNumber } = create()
        return new ValueFileWriter(file, fileNumber, tableStoreId)
      },
      collect: new Set(collect),
      source: this.source
    })
    const begin = () => {
      const { file, fileNumber } = create()
      return new TableBuilder(file, fileNumber, tableStoreId, plainOptions)
    }
    const result = finish(writeTables(cursor, { begin, retention, targetSize, sliceBytes: 1000, separation }))
    for (const { size } of result.valueFiles) this.written += size
    for (const table of result.tables) {
      const { rawBytes, superseded, valueRefs } = decodeProperties(encodeProperties(table))!
      expect({ rawBytes, superseded, valueRefs }).toEqual({
        rawBytes: table.rawBytes,
        superseded: table.superseded,
        valueRefs: table.valueRefs
      })
    }
    return result
  }
}

const byNumber = (a: { readonly fileNumber: number }, b: { readonly fileNumber: number }) => a.fileNumber - b.fileNumber

const limits = { level0Tables: 2, level1Bytes: 900, levelRatio: 2, threshold: 0.85 }

const steps = FastCheck.array(
  FastCheck.oneof(
    { weight: 12, arbitrary: FastCheck.tuple(FastCheck.nat(30), FastCheck.nat(120)) },
    { weight: 3, arbitrary: FastCheck.constantFrom("flush" as const, "settle" as const) },
    { weight: 1, arbitrary: FastCheck.constantFrom("compact" as const, "off" as const, "on" as const) }
  ),
  { maxLength: 150, size: "max" }
)

describe("the collection of values", () => {
  it("keeps every value, in any order of flushes and compactions, and the bounds of space", () => {
    check(
      FastCheck.property(steps, FastCheck.constantFrom(1, 40), (plan, threshold) => {
        const store = new Store(threshold)
        for (const [i, step] of plan.entries()) {
          if (step === "flush") store.flush()
          else if (step === "settle") {
            store.settle(limits)
            const { held, live } = store.values
            expect(held).toBeLessThanOrEqual(live / (1 - garbage.garbageLimit))
          } else if (step === "compact") {
            store.flush()
            store.compactAll()
            expect(garbage.staleFiles(store.version)).toEqual([])
          } else if (step === "off") store.threshold = Number.POSITIVE_INFINITY
          else if (step === "on") store.threshold = threshold
          else {
            const [key, length] = step
            store.write(key, length < 20 ? undefined : new Uint8Array(length).fill(i))
          }
        }
        store.flush()
        store.settle(limits)
        store.compactAll()
        store.settle(limits)
      }),
      60
    )
  })

  it("holds at most one and a half times the values in use when they are overwritten at random, and copies less than one for each", () => {
    const store = new Store(40)
    let user = 0
    let seed = 1
    const draw = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return seed >>> 8
    }
    for (let i = 0; i < 2000; i++) {
      const key = i < 100 ? i : draw() % 100
      store.write(key, new Uint8Array(100).fill(i))
      user += 100
      if (i % 10 === 9) {
        store.flush()
        store.settle(limits)
        const { held, live } = store.values
        expect(held).toBeLessThanOrEqual(live * 1.5)
      }
    }
    expect(store.written / user).toBeLessThan(2)
  })

  it("merges small value files", () => {
    const store = new Store(1)
    for (let i = 0; i < 60; i++) {
      store.write(i, Uint8Array.of(i))
      store.flush()
      store.settle({ ...limits, level1Bytes: 1_000_000 })
    }
    // A file with one value has 33 bytes. Here that is not small, since a full one has 400.
    expect(store.version.valueFiles.size).toBe(60)
    const version = store.version
    const all = picker.compactionOf(version, "manual", 1, 1, version.levels[1]!, true)
    expect(garbage.filesToCollect(version, all, [], fileSize)).toEqual([])
    expect(garbage.filesToCollect(version, all, [], 64 * 34)).toHaveLength(60)
  })
})

describe("a version", () => {
  it("is at fault if tables have handles to more than a file holds", () => {
    const meta = (bytes: number): TableMeta => ({
      fileNumber: 1,
      size: 100,
      smallestKey: Uint8Array.of(1),
      largestKey: Uint8Array.of(2),
      smallestSequence: 1,
      largestSequence: 2,
      entries: 2,
      deletions: 0,
      rawBytes: 42,
      valueRefs: [{ fileNumber: 2, entries: 2, bytes }]
    })
    const version = (bytes: number, size?: number) =>
      Version.empty.apply({
        removed: [],
        added: [{ level: 0, table: meta(bytes) }],
        valueFiles: size === undefined ? [] : [{ fileNumber: 2, kind: "values", size }]
      })
    expect(versionFault(version(68, 100))).toBeUndefined()
    expect(versionFault(version(69, 100))).toMatch(/69 bytes of file 2/)
    expect(versionFault(version(1))).toMatch(/of file 2/)
  })
})
