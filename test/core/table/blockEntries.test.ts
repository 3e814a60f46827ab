import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { CacheShare } from "../../../src/core/cache/cacheShare.js"
import { EntryCache } from "../../../src/core/cache/entryCache.js"
import { LookupResult } from "../../../src/core/cursor/lookupResult.js"
import { BlockEntries } from "../../../src/core/table/blockEntries.js"
import { partitionBlocks } from "../../../src/core/table/partition.js"
import { sectionTrailerSize } from "../../../src/core/table/tableFormat.js"
import { history, shortKey, show, type TestEntry } from "../../support/entries.js"
import { check } from "../../support/property.js"
import { buildTable, handlesOf, openTable, plainOptions } from "../../support/tables.js"

const options = FastCheck.record({
  blockSize: FastCheck.constantFrom(1, 60, 128, 4096),
  largestBlock: FastCheck.constantFrom(1, 40, 100, 1 << 20),
  restartInterval: FastCheck.constantFrom(1, 2, 16),
  filterFalsePositiveRate: FastCheck.constantFrom(0.01, 1),
  compression: FastCheck.constantFrom("none" as const, "lz4" as const)
})
const newest = Number.MAX_SAFE_INTEGER
const budget = { total: 1 << 20, share: CacheShare.fixed(1 << 20), others: { used: 0, shrink: () => undefined } }

/** What an entry cache holds of a table's keys after each of its blocks was offered. */
const cachedOf = (
  entries: ReadonlyArray<TestEntry>,
  how: Parameters<typeof buildTable>[1],
  sequence: number,
  level = 1,
  above: ReadonlyArray<Uint8Array> = []
): ReadonlyMap<string, string | undefined> => {
  const { file, meta } = buildTable(entries, how)
  const reader = openTable(file, 1 << 20)
  const cache = new EntryCache(budget)
  const blocks = new BlockEntries(cache)
  const key = new ReusableLookupKey()
  const found = new LookupResult()
  const tables = above.map((only) => ({ ...meta, smallestKey: only, largestKey: only }))
  const levels = level === 0 ? [[...tables, meta]] : [tables, [meta]]
  const source = { entryCount: entries.length, byteCount: meta.size, rawBytes: meta.rawBytes }
  for (const entry of entries) {
    cache.find(source, key.set(entry.key), newest, found)
    reader.find(key, entry.sequence, found)
  }
  for (let block = 0; block < reader.index.count; block++) blocks.offer(reader, block, level, levels, sequence)
  const held = new Map<string, string | undefined>()
  for (const { key: sought } of entries) {
    if (!cache.find(source, key.set(sought), newest, found)) continue
    const value = found.bytes.slice(found.start, found.end)
    held.set(`${sought}`, show({ key: sought, sequence: found.sequence, value }))
  }
  return held
}

const newestOf = (entries: ReadonlyArray<TestEntry>, key: Uint8Array): TestEntry =>
  entries.filter((entry) => compare(entry.key, key) === 0).at(-1)!

describe("the entries of a block", () => {
  const someEntries = history(shortKey, { minLength: 1, maxLength: 80 })

  it("enter the cache if they are the newest versions of their keys, and values", () => {
    let count = 0
    check(
      FastCheck.property(someEntries, options, FastCheck.nat(90), (entries, how, readAt) => {
        const held = cachedOf(entries, how, readAt)
        for (const { key } of entries) {
          const last = newestOf(entries, key)
          // A large one would have to be asked for twice.
          const isLarge = key.length + (last.value?.length ?? 0) > 2000
          const isOffered = last.value !== undefined && last.sequence <= readAt && !isLarge
          expect(held.get(`${key}`)).toBe(isOffered ? show(last) : undefined)
        }
        count += held.size
      })
    )
    expect(count).toBeGreaterThan(500)
  })

  it("are left alone if the index cannot tell whether they are the newest, and the lookup has its value", () => {
    const entries = Array.from({ length: partitionBlocks + 2 }, (_, i) => ({
      key: Uint8Array.of(i >>> 8, i),
      sequence: i + 1,
      value: Uint8Array.of(i)
    }))
    const { file, meta } = buildTable(entries, { ...plainOptions, blockSize: 1 })
    const { offset, length } = handlesOf(openTable(file, 0).index).at(-1)!
    // In the first partition, which is behind the last block.
    file.bytes[offset + length + sectionTrailerSize + 70]! ^= 1
    const reader = openTable(file, 1 << 20)
    const cache = new EntryCache(budget)
    const key = new ReusableLookupKey().set(entries[partitionBlocks]!.key)
    const found = new LookupResult()
    expect(reader.find(key, newest, found)).toBe(true)
    expect(found.bytes[found.start]).toBe(entries[partitionBlocks]!.value[0])
    expect(new BlockEntries(cache).offer(reader, partitionBlocks, 1, [[], [meta]], newest)).toBe(false)
    expect(() => reader.find(new ReusableLookupKey().set(entries[0]!.key), newest, found)).toThrow("checksum")
  })

  it("do not enter it from level 0, nor if a table above may have newer ones", () => {
    check(
      FastCheck.property(someEntries, options, shortKey, (entries, how, only) => {
        expect(cachedOf(entries, how, newest, 0).size).toBe(0)
        const held = cachedOf(entries, how, newest, 1, [only])
        expect(held.has(`${only}`)).toBe(false)
        for (const { key } of entries) {
          if (held.has(`${key}`)) expect(held.get(`${key}`)).toBe(show(newestOf(entries, key)))
        }
      })
    )
  })
})
