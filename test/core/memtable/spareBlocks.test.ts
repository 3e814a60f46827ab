import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { LookupResult } from "../../../src/core/cursor/lookupResult.js"
import { mergeCursors } from "../../../src/core/cursor/mergeCursor.js"
import { Memtable } from "../../../src/core/memtable/memtable.js"
import { SpareBlocks } from "../../../src/core/memtable/spareBlocks.js"
import { collect, history, inOrder, kindOf, nothing, shortKey, show, type TestEntry } from "../../support/entries.js"
import { check } from "../../support/property.js"

const budget = 1 << 20
/** Of a memtable of that budget. */
const blockSize = 16 * 1024

const insert = (memtable: Memtable, entries: ReadonlyArray<TestEntry>): void => {
  for (const entry of entries) {
    const { key, sequence, value = nothing } = entry
    const bytes = Uint8Array.of(...key, ...value)
    memtable.insert(sequence, kindOf(entry), bytes, 0, key.length, key.length, bytes.length)
  }
}

/** Entries that take several blocks of full size. */
const large = (blocks: number): ReadonlyArray<TestEntry> =>
  Array.from({ length: blocks * 4 }, (_, i) => ({
    key: Uint8Array.of(i),
    sequence: i + 1,
    value: new Uint8Array(blockSize / 4 - 1).fill(i + 1)
  }))

const find = (memtable: Memtable, key: Uint8Array) => {
  const found = new LookupResult()
  const isFound = memtable.lookup(new ReusableLookupKey().set(key), Number.MAX_SAFE_INTEGER, found)
  return isFound ? found.bytes.slice(found.start, found.end) : undefined
}

const holds = (memtable: Memtable, entries: ReadonlyArray<TestEntry>): void =>
  expect(collect(mergeCursors(memtable.versionCursors())).map(show)).toEqual(inOrder(entries).map(show))

describe("the blocks of a memtable that was flushed", () => {
  it("are those of the next one, which holds its own entries only", () => {
    check(
      FastCheck.property(history(shortKey, { maxLength: 80 }), FastCheck.nat(8), (entries, more) => {
        const spare = new SpareBlocks()
        const before = new Memtable(1, budget, spare)
        insert(before, large(6))
        find(before, Uint8Array.of(3))
        holds(before, large(6))
        before.recycle()
        const after = new Memtable(2, budget, spare)
        const later = large(more).map((entry) => ({ ...entry, sequence: entry.sequence + entries.length }))
        insert(after, entries)
        insert(after, later)
        holds(after, [...entries, ...later])
      })
    )
  })

  it("are used again", () => {
    const spare = new SpareBlocks()
    const before = new Memtable(1, budget, spare)
    insert(before, large(6))
    const blocks = new Set(large(6).map(({ key }) => blockOf(before, key).buffer))
    before.recycle()
    const after = new Memtable(2, budget, spare)
    insert(after, large(6))
    expect(large(6).filter(({ key }) => blocks.has(blockOf(after, key).buffer)).length).toBeGreaterThan(12)
  })

  it("stay with a memtable that was scanned, for the scan may not be over", () => {
    const spare = new SpareBlocks()
    const before = new Memtable(1, budget, spare)
    insert(before, large(6))
    const scan = mergeCursors(before.newestCursors(Number.MAX_SAFE_INTEGER))
    before.recycle()
    insert(
      new Memtable(2, budget, spare),
      large(6).map(({ value, ...rest }) => ({ ...rest, value: value!.fill(0xff) }))
    )
    expect(collect(scan).map(show)).toEqual(large(6).map(show))
    expect(spare.take(blockSize)).toBeUndefined()
  })

  it("are never seen by a lookup that comes too late", () => {
    const spare = new SpareBlocks()
    const before = new Memtable(1, budget, spare)
    insert(before, large(2))
    before.recycle()
    expect(() => find(before, Uint8Array.of(3))).toThrow(TypeError)
  })

  it("are given only as the size that is asked for", () => {
    const spare = new SpareBlocks()
    spare.give([new Uint8Array(10), new Uint8Array(20), new Uint8Array(20), new Uint8Array(30)], 20)
    expect(spare.take(10)).toBeUndefined()
    expect([spare.take(20)?.length, spare.take(20)?.length, spare.take(20)]).toStrictEqual([20, 20, undefined])
  })
})

const blockOf = (memtable: Memtable, key: Uint8Array): Uint8Array => {
  const found = new LookupResult()
  memtable.lookup(new ReusableLookupKey().set(key), Number.MAX_SAFE_INTEGER, found)
  return found.bytes
}
