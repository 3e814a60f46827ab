import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { BlockCache } from "../../../src/core/cache/blockCache.js"
import { LookupResult } from "../../../src/core/cursor/lookupResult.js"
import { InspectedTable } from "../../../src/core/recovery/inspectedTable.js"
import { SoundCursor, soundBlocks } from "../../../src/core/recovery/soundBlocks.js"
import type { Damage } from "../../../src/core/storage/damage.js"
import { CorruptionFailure } from "../../../src/core/storage/failure.js"
import { partitionBlocks } from "../../../src/core/table/partition.js"
import { ReadCounters, TableReader } from "../../../src/core/table/tableReader.js"
import { moves, walk } from "../../support/cursorWalk.js"
import { anyKey, collect, hex, history, inOrder, shortKey, show, type TestEntry } from "../../support/entries.js"
import { FakeFile } from "../../support/fakeFile.js"
import { check } from "../../support/property.js"
import {
  buildTable,
  finish,
  handlesOf,
  openTable,
  plainOptions,
  tableCursor,
  tableStoreId
} from "../../support/tables.js"

const options = FastCheck.record({
  blockSize: FastCheck.constantFrom(1, 60, 128, 4096, 1 << 20),
  largestBlock: FastCheck.constantFrom(1, 100, 1 << 20),
  restartInterval: FastCheck.constantFrom(1, 2, 16, 65536),
  filterFalsePositiveRate: FastCheck.constantFrom(1e-6, 0.01, 0.5, 1),
  compression: FastCheck.constantFrom("none" as const, "deflate" as const)
})
const cacheBytes = FastCheck.constantFrom(0, 400, 1 << 20)
const reading = FastCheck.record({
  readAhead: FastCheck.constantFrom(0, 1, 1000, 1 << 18),
  fillCache: FastCheck.boolean()
})
const someEntries = FastCheck.oneof(
  history(shortKey, { minLength: 1, maxLength: 80 }),
  history(anyKey, { minLength: 1, maxLength: 80 })
)

const key = new ReusableLookupKey()
const found = new LookupResult()

const lookup = (reader: TableReader, sought: Uint8Array, sequence: number): string | undefined => {
  if (!reader.find(key.set(sought), sequence, found)) return undefined
  const value = found.kind === 0 ? undefined : found.bytes.slice(found.start, found.end)
  return show({ key: sought, sequence: found.sequence, value })
}

/** Numbered keys, enough for many blocks. */
const numbered = (count: number): ReadonlyArray<TestEntry> =>
  Array.from({ length: count }, (_, i) => ({
    key: Uint8Array.of(0x6b, i >>> 8, i),
    sequence: i + 1,
    value: i % 7 === 0 ? undefined : Uint8Array.of(i, i >>> 8, 1, 2, 3)
  }))

describe("a table", () => {
  it("iterates and seeks like a sorted array", () => {
    check(
      FastCheck.property(
        someEntries,
        options,
        cacheBytes,
        reading,
        moves(shortKey),
        (entries, how, cache, reads, steps) => {
          const reader = openTable(buildTable(entries, how).file, cache)
          walk(tableCursor(reader, reads), entries, steps)
          expect(collect(tableCursor(reader, reads)).map(show)).toEqual(inOrder(entries).map(show))
          expect(reader.cache.used).toBeLessThanOrEqual(cache)
        }
      )
    )
  })

  it("finds the newest version at or before a sequence number", () => {
    check(
      FastCheck.property(someEntries, options, cacheBytes, anyKey, (entries, how, cache, other) => {
        const reader = openTable(buildTable(entries, how).file, cache)
        for (const sought of [other, ...entries.map((entry) => entry.key)]) {
          for (const sequence of [0, 1, Math.floor(entries.length / 2), entries.length, Number.MAX_SAFE_INTEGER]) {
            const versions = entries.filter((entry) => entry.sequence <= sequence && compare(entry.key, sought) === 0)
            expect(lookup(reader, sought, sequence)).toBe(show(versions.at(-1)))
          }
        }
      })
    )
  })

  it("passes inspection, whatever its block boundaries", () => {
    check(
      FastCheck.property(someEntries, options, (entries, how) => {
        const { file, meta } = buildTable(entries, how)
        const driver = { openRead: () => file, create: () => file, yieldToEventLoop: () => undefined }
        const damages: Array<Damage> = []
        const report = (damage: Damage) => void damages.push(damage)
        const inspected = finish(InspectedTable.open(driver, "7.sst", 7, tableStoreId, report))
        const cursor = new SoundCursor(() => soundBlocks(inspected, meta, report))
        const seen: Array<string | undefined> = []
        for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
          const value = cursor.kind === 0 ? undefined : cursor.valueBytes.slice(cursor.valueStart, cursor.valueEnd)
          seen.push(show({ key: cursor.keyBytes.slice(0, cursor.keyEnd), sequence: cursor.sequence, value }))
        }
        expect(damages).toEqual([])
        expect(seen).toEqual(inOrder(entries).map(show))
      })
    )
  })

  it("returns its properties when it is written and when it is opened", () => {
    check(
      FastCheck.property(someEntries, options, (entries, how) => {
        const { file, meta } = buildTable(entries, how)
        const sorted = inOrder(entries)
        expect(openTable(file).properties).toEqual(meta)
        expect([hex(meta.smallestKey), hex(meta.largestKey)]).toEqual([hex(sorted[0]!.key), hex(sorted.at(-1)!.key)])
        expect(meta).toMatchObject({
          fileNumber: 7,
          size: file.bytes.length,
          smallestSequence: 1,
          largestSequence: entries.length,
          entries: entries.length,
          deletions: entries.filter(({ value }) => value === undefined).length,
          rawBytes: entries.reduce((n, e) => n + e.key.length + (e.value?.length ?? 0), 0)
        })
      })
    )
  })

  it("keeps a cursor on its block while lookups replace it in the cache", () => {
    const entries = numbered(200)
    const reader = openTable(buildTable(entries).file, 400)
    const cursor = tableCursor(reader)
    const seen: Array<string> = []
    for (const [i, { key: sought }] of entries.entries()) {
      lookup(reader, sought, Number.MAX_SAFE_INTEGER)
      if (i === 0) cursor.seekToFirst()
      else cursor.next()
      lookup(reader, entries[(i + 100) % entries.length]!.key, Number.MAX_SAFE_INTEGER)
      const value = cursor.kind === 0 ? undefined : cursor.valueBytes.slice(cursor.valueStart, cursor.valueEnd)
      seen.push(show({ key: cursor.keyBytes.slice(0, cursor.keyEnd), sequence: cursor.sequence, value })!)
    }
    expect(seen).toEqual(entries.map(show))
    expect(reader.cache.hits).toBeGreaterThan(20)
    expect(reader.cache.evictions).toBeGreaterThan(100)
  })

  it("finishes a data block before it would exceed the block size", () => {
    const { index } = openTable(buildTable(numbered(3000), { ...plainOptions, blockSize: 1000 }).file)
    const lengths = handlesOf(index)
      .map(({ length }) => length)
      .slice(0, -1)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(1000)
    expect(Math.min(...lengths)).toBeGreaterThan(900)
  })

  it("reads blocks ahead in a long scan, and reads each block once", () => {
    const entries = numbered(3000)
    const { file } = buildTable(entries)
    for (const readAhead of [0, 1000, 1 << 18]) {
      const counters = new ReadCounters()
      const reader = new TableReader(file, 7, tableStoreId, new BlockCache(0, 128), counters)
      const opening = counters.blockReads
      expect(collect(tableCursor(reader, { readAhead, fillCache: true })).map(show)).toEqual(entries.map(show))
      const reads = counters.blockReads - opening
      const { count } = reader.index
      if (readAhead === 0) expect(reads).toBe(count + Math.ceil(count / partitionBlocks))
      else expect(reads).toBeLessThan(count / 2)
      const steps = entries.flatMap((): ReadonlyArray<{ move: "next" }> => [{ move: "next" }])
      walk(tableCursor(reader, { readAhead, fillCache: true }), entries, [
        ...steps.slice(0, 1500),
        ...steps.slice(0, 700).map(() => ({ move: "prev" as const })),
        ...steps.slice(0, 900)
      ])
    }
  })

  it("reads a partition when a lookup first needs it, and checks its filter until it finds enough keys", () => {
    const counters = new ReadCounters()
    const cache = new BlockCache(1 << 20, plainOptions.blockSize)
    const reader = new TableReader(buildTable(numbered(300), plainOptions).file, 7, tableStoreId, cache, counters)
    const before = counters.blockReads
    lookup(reader, Uint8Array.of(0x6b, 0, 1), 1000)
    expect(counters).toMatchObject({ filterChecks: 1, blockReads: before + 2 })
    lookup(reader, Uint8Array.of(0x6b, 0, 1), 1000)
    expect(counters).toMatchObject({ filterChecks: 2, blockReads: before + 2 })
    for (let i = 0; i < 300; i++) lookup(reader, Uint8Array.of(0x6b, 0, 1), 1000)
    expect(counters.filterChecks).toBe(256)
    lookup(reader, Uint8Array.of(0x6b, 0, 1, 1), 1000)
    lookup(reader, Uint8Array.of(0x6b, 0, 1), 1000)
    expect(counters).toMatchObject({ filterChecks: 257, blockReads: before + 2 })
  })

  it("holds keys of 64 KiB and values of megabytes among small ones", () => {
    const entries = [
      { key: new Uint8Array(65_536).fill(0x61), sequence: 1, value: new Uint8Array(3 << 20).fill(1) },
      { key: new Uint8Array(65_535).fill(0x61), sequence: 2, value: Uint8Array.of(1) },
      { key: new Uint8Array(65_535).fill(0x61), sequence: 3, value: new Uint8Array(1 << 20).fill(2) },
      { key: Uint8Array.of(0x61), sequence: 4, value: undefined },
      { key: Uint8Array.of(0x62), sequence: 5, value: new Uint8Array(70_000).fill(3) }
    ]
    for (const blockSize of [1, 4096]) {
      const reader = openTable(buildTable(entries, { ...plainOptions, blockSize }).file)
      for (const entry of entries) expect(lookup(reader, entry.key, entry.sequence) === show(entry)).toBe(true)
      const read = collect(tableCursor(reader, { readAhead: 1 << 18, fillCache: false })).map(show)
      expect(read.join() === inOrder(entries).map(show).join()).toBe(true)
    }
  })
})

describe("a damaged table", () => {
  const entries = numbered(24)
  const small = { blockSize: 100, restartInterval: 3, filterFalsePositiveRate: 0.1 }

  /** Opens and reads a table in every way. Returns the failure, or the entries read. */
  const readAll = (bytes: Uint8Array): CorruptionFailure | string => {
    try {
      const reader = openTable(FakeFile.of(bytes, "000007.sst"), 0)
      const scanned = collect(tableCursor(reader, { readAhead: 1 << 16, fillCache: false })).map(show)
      const got = entries.map((entry) => lookup(reader, entry.key, 1000))
      return [...scanned, ...got].join()
    } catch (failure) {
      if (failure instanceof CorruptionFailure) return failure
      throw failure
    }
  }

  const sound = buildTable(entries, small).file.bytes
  const deflated = buildTable(entries, { ...small, blockSize: 300, compression: "deflate" }).file.bytes
  const expected = [...entries, ...entries].map(show).join()

  it.each([
    ["uncompressed", sound],
    ["deflated", deflated]
  ])("stored %s is rejected with file, offset and region, whichever bit changed", (_, sound) => {
    expect(readAll(sound)).toBe(expected)
    const regions = new Map<string, number>()
    for (let bit = 0; bit < sound.length * 8; bit++) {
      const changed = sound.slice()
      changed[bit >>> 3]! ^= 1 << (bit & 7)
      const failure = readAll(changed)
      expect(failure).toBeInstanceOf(CorruptionFailure)
      if (!(failure instanceof CorruptionFailure)) return
      expect(failure.file).toBe("000007.sst")
      expect(failure.offset).toBeLessThanOrEqual(bit >>> 3)
      regions.set(failure.region, (regions.get(failure.region) ?? 0) + 1)
    }
    expect([...regions.keys()].sort()).toEqual(
      ["data block", "file header", "index block", "index partition", "table footer", "table properties"].sort()
    )
  })

  it("is rejected if it is truncated, extended, or under another file number", () => {
    for (let length = 0; length < sound.length; length++) {
      expect(readAll(sound.subarray(0, length))).toBeInstanceOf(CorruptionFailure)
    }
    expect(readAll(Uint8Array.of(...sound, 0))).toBeInstanceOf(CorruptionFailure)
    expect(() => openTable(FakeFile.of(sound), 0, 8)).toThrow(CorruptionFailure)
  })

  it("is rejected if two of its blocks are swapped", () => {
    const alike = numbered(60).map((entry, i) => ({ ...entry, sequence: 100 + i, value: Uint8Array.of(i) }))
    const table = buildTable(alike, small).file.bytes
    const handles = handlesOf(openTable(FakeFile.of(table)).index)
    const offsets = handles.map(({ offset }) => offset)
    const lengths = handles.map(({ length }) => length)
    const at = [...lengths].findIndex((length, i) => i > 0 && length === lengths[i - 1])
    expect(at).toBeGreaterThan(0)
    const [first, second, size] = [offsets[at - 1]!, offsets[at]!, lengths[at]! + 5]
    const changed = table.slice()
    changed.set(table.subarray(first, first + size), second)
    changed.set(table.subarray(second, second + size), first)
    const failure = readAll(changed)
    expect(failure).toMatchObject({ region: "data block", offset: first })
  })

  it("is rejected again at the next attempt, and never returns entries of another block", () => {
    const reader = openTable(FakeFile.of(sound))
    const broken = reader.index.find(entries[12]!.key, 3)
    const changed = sound.slice()
    changed[handlesOf(reader.index)[broken]!.offset]! ^= 1
    const cursor = tableCursor(openTable(FakeFile.of(changed)))
    const seek = (entry: TestEntry) => () => cursor.seek(entry.key, entry.key.length)
    seek(entries[0]!)()
    expect(show({ ...entries[0]!, key: cursor.keyBytes.slice(0, cursor.keyEnd) })).toBe(show(entries[0]))
    for (let i = 0; i < 3; i++) expect(seek(entries[12]!)).toThrow(CorruptionFailure)
    seek(entries[0]!)()
    const toTheEnd = () => {
      while (cursor.valid) cursor.next()
    }
    expect(toTheEnd).toThrow(CorruptionFailure)
    expect(cursor.valid).toBe(false)
    expect(() => cursor.next()).toThrow(CorruptionFailure)
    seek(entries[23]!)()
    expect(cursor.valid).toBe(true)
  })
})
