import { describe, expect, it } from "vitest"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { BlockCache } from "../../../src/core/cache/blockCache.js"
import { LookupResult } from "../../../src/core/cursor/lookupResult.js"
import { CorruptionFailure, StorageFailure } from "../../../src/core/storage/failure.js"
import type { TableOptions } from "../../../src/core/table/tableBuilder.js"
import { ReadCounters, TableReader } from "../../../src/core/table/tableReader.js"
import type { FakeFile } from "../../support/fakeFile.js"
import { buildTable, handlesOf, plainOptions, tableStoreId } from "../../support/tables.js"

/** Blocks of an extent. */
const extent = 32

const key = new ReusableLookupKey()
const found = new LookupResult()

const keyOf = (i: number): Uint8Array => Uint8Array.of(0x6b, i >>> 8, i)

const make = (options: TableOptions = plainOptions, cacheBytes = 1 << 20, largestBlock = 256, expected = 0) => {
  const entries = Array.from({ length: 2000 }, (_, i) => ({
    key: keyOf(i),
    sequence: i + 1,
    value: Uint8Array.of(i, i >>> 8, 1, 2, 3)
  }))
  const { file } = buildTable(entries, options)
  const counters = new ReadCounters()
  const cache = () => new BlockCache(cacheBytes, largestBlock, undefined, undefined, undefined, () => expected)
  const open = () => new TableReader(file, 7, tableStoreId, cache(), counters)
  const reader = open()
  const blockOf = (i: number): number => reader.index.find(keyOf(i), 3)
  const get = (i: number): Uint8Array | undefined =>
    reader.find(key.set(keyOf(i)), Number.MAX_SAFE_INTEGER, found)
      ? found.bytes.slice(found.start, found.end)
      : undefined
  /** The keys whose blocks are in the first extent of the table. */
  const near = entries.map((_, i) => i).filter((i) => blockOf(i) < extent)
  return { file, counters, reader, blockOf, get, near, far: 1999 }
}

const valueOf = (i: number): Uint8Array => Uint8Array.of(i, i >>> 8, 1, 2, 3)

describe("blocks that are read ahead of lookups", () => {
  it("are those of an extent of which a second block is missed", () => {
    const { counters, get, near, far, reader } = make()
    expect(handlesOf(reader.index).length).toBeGreaterThan(extent * 2)
    const last = near.at(-1)!
    expect(get(near[0]!)).toEqual(valueOf(near[0]!))
    expect(get(far)).toEqual(valueOf(far))
    const before = { reads: counters.blockReads, misses: reader.cache.misses }
    expect(get(last)).toEqual(valueOf(last))
    expect(counters.blockReads - before.reads).toBe(1)
    for (const i of near) expect(get(i)).toEqual(valueOf(i))
    expect(counters.blockReads - before.reads).toBe(1)
    expect(reader.cache.misses - before.misses).toBe(1)
    expect(reader.cache.evictions).toBe(0)
  })

  it("are read alone after they were dropped, because their entries are cached in another way", () => {
    const { counters, get, near, reader } = make()
    get(near[0]!)
    get(near.at(-1)!)
    expect([reader.firstRead, reader.endRead]).toStrictEqual([0, extent])
    reader.dropRead()
    for (const i of near.slice(0, 2)) expect(reader.slots[reader.index.find(keyOf(i), 3)]).toBe(-1)
    const before = counters.blockBytes
    for (const i of [near[0]!, near.at(-1)!, near[near.length >> 1]!]) {
      expect(get(i)).toEqual(valueOf(i))
      expect(reader.endRead).toBe(reader.firstRead + 1)
    }
    expect(counters.blockBytes - before).toBeLessThan(3 * 512)
  })

  it("are left to entries that will need the memory", () => {
    const { counters, get, near } = make(plainOptions, 1 << 20, 256, (1 << 20) - 10_000)
    for (const i of near) expect(get(i)).toEqual(valueOf(i))
    expect(counters.blockReads).toBeGreaterThanOrEqual(extent)
  })

  it("are read one by one when the cache has no room for an extent", () => {
    const { counters, get, near, reader } = make(plainOptions, 16 * 1024)
    for (const i of near) expect(get(i)).toEqual(valueOf(i))
    const blocks = new Set(near.map((i) => reader.index.find(keyOf(i), 3)))
    expect(counters.blockReads).toBeGreaterThanOrEqual(blocks.size)
    expect(reader.cache.used).toBeLessThanOrEqual(16 * 1024)
  })

  it("may be compressed by LZ4", () => {
    const { counters, get, reader } = make({ ...plainOptions, blockSize: 1000, compression: "lz4" }, 1 << 20, 1000)
    expect(handlesOf(reader.index).some(({ length }) => length < 900)).toBe(true)
    for (let i = 0; i < 2000; i++) expect(get(i)).toEqual(valueOf(i))
    const blocks = handlesOf(reader.index).length
    expect(counters.blockReads).toBeLessThan(blocks / 4)
    for (let i = 0; i < 2000; i += 7) expect(get(i)).toEqual(valueOf(i))
  })

  it("are left alone if they are deflated, after one try", () => {
    const { counters, get, reader } = make({ ...plainOptions, blockSize: 1000, compression: "deflate" }, 1 << 20, 1000)
    for (let i = 0; i < 2000; i++) expect(get(i)).toEqual(valueOf(i))
    const blocks = handlesOf(reader.index).length
    expect(blocks).toBeGreaterThan(10)
    const others = 8
    expect(counters.blockReads).toBeLessThanOrEqual(blocks + others)
  })

  it("are left out if they are damaged, and only a lookup in them fails", () => {
    const table = make()
    const { file, get, near, reader } = table
    const handles = handlesOf(reader.index)
    const damaged = 5
    file.bytes[handles[damaged]!.offset + 3]! ^= 1
    for (const i of [...near].reverse()) {
      if (table.blockOf(i) === damaged) expect(() => get(i)).toThrow(CorruptionFailure)
      else expect(get(i)).toEqual(valueOf(i))
    }
  })

  it("are not needed: a lookup whose own block can be read does not fail with them", () => {
    const { file, get, near, reader } = make()
    const [first] = handlesOf(reader.index)
    const read = file.read.bind(file)
    const failing: FakeFile["read"] = (target, offset, length, position) => {
      if (length > first!.length * 4) throw new StorageFailure("read", file.path, "EIO")
      return read(target, offset, length, position)
    }
    file.read = failing
    for (const i of near) expect(get(i)).toEqual(valueOf(i))
  })
})
