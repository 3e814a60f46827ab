import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { compare } from "../../../src/core/bytes/bytes.js"
import { hash } from "../../../src/core/bytes/hash.js"
import { ReusableLookupKey } from "../../../src/core/bytes/lookupKey.js"
import { EntryKind } from "../../../src/core/cursor/entryKind.js"
import { mergeCursors } from "../../../src/core/cursor/mergeCursor.js"
import { none } from "../../../src/core/memtable/entrySource.js"
import { Memtable } from "../../../src/core/memtable/memtable.js"
import { memtableCursors, newestCursors } from "../../../src/core/memtable/memtableCursor.js"
import { moves, walk } from "../../support/cursorWalk.js"
import {
  anyKey,
  collect,
  history,
  inOrder,
  kindOf,
  nothing,
  shortKey,
  show,
  type TestEntry
} from "../../support/entries.js"
import { check } from "../../support/property.js"

const insert = (memtable: Memtable, entries: ReadonlyArray<TestEntry>): void => {
  for (const entry of entries) {
    const { key, value = nothing } = entry
    const bytes = Uint8Array.of(7, ...key, 7, 7, ...value, 7)
    const valueStart = key.length + 3
    memtable.insert(entry.sequence, kindOf(entry), bytes, 1, 1 + key.length, valueStart, valueStart + value.length)
  }
}

const memtableOf = (entries: ReadonlyArray<TestEntry>): Memtable => {
  const memtable = new Memtable(1, 1 << 20)
  insert(memtable, entries)
  return memtable
}

const lookupKey = new ReusableLookupKey()

const lookup = (memtable: Memtable, key: Uint8Array, sequence: number): string | undefined => {
  const id = memtable.find(lookupKey.set(key), sequence)
  if (id === none) return undefined
  const bytes = memtable.bytesOf(id)
  expect(compare(bytes.subarray(memtable.keyStartOf(id), memtable.keyEndOf(id)), key)).toBe(0)
  const value =
    memtable.kindOf(id) === EntryKind.deletion
      ? undefined
      : bytes.subarray(memtable.keyEndOf(id), memtable.valueEndOf(id))
  return show({ key, value, sequence: memtable.sequenceOf(id) })
}

const manyVersions = history(shortKey, { maxLength: 80 })

/** Unordered numbered keys, more than fit into the first run or the first slots. */
const many = (count: number): ReadonlyArray<TestEntry> =>
  Array.from({ length: count }, (_, i) => {
    const n = (i * 7919) % (count * 0.75)
    const key = Uint8Array.of(0x6b, n >>> 16, n >>> 8, n)
    return { key, sequence: i + 1, value: i % 5 === 0 ? undefined : Uint8Array.of(i, i >>> 8) }
  })

describe("a memtable", () => {
  it("finds the newest version at or before any sequence number", () => {
    check(
      FastCheck.property(FastCheck.oneof(manyVersions, history(anyKey)), anyKey, (entries, other) => {
        const memtable = memtableOf(entries)
        for (const key of [other, ...entries.map((entry) => entry.key)]) {
          for (let sequence = 0; sequence <= entries.length + 1; sequence += 3) {
            const versions = entries.filter((entry) => entry.sequence <= sequence && compare(entry.key, key) === 0)
            expect(lookup(memtable, key, sequence)).toBe(show(versions.at(-1)))
          }
        }
        expect(memtable.count).toBe(entries.length)
        expect(memtable.deletions).toBe(entries.filter(({ value }) => value === undefined).length)
        expect(memtable.largestSequence).toBe(entries.length)
        expect(memtable.dataBytes).toBe(entries.reduce((n, e) => n + e.key.length + (e.value?.length ?? 0), 0))
      })
    )
  })

  it("gives cursors a snapshot at a moment and sequence number, whatever is inserted later", () => {
    check(
      FastCheck.property(manyVersions, FastCheck.nat(80), moves(shortKey), (entries, before, steps) => {
        const early = entries.slice(0, before)
        const memtable = memtableOf(early)
        const cursor = mergeCursors(memtableCursors(memtable, before))
        walk(cursor, early, steps)
        insert(memtable, entries.slice(before))
        walk(cursor, early, steps)
        walk(mergeCursors(memtableCursors(memtable, before)), early, steps)
        walk(mergeCursors(memtableCursors(memtable, Number.MAX_SAFE_INTEGER)), entries, steps)
      })
    )
  })

  it("shows readers each key's newest version at a sequence number, whatever is inserted later", () => {
    const newest = (entries: ReadonlyArray<TestEntry>) => [
      ...new Map(entries.map((entry) => [entry.key.join(), entry])).values()
    ]
    check(
      FastCheck.property(manyVersions, FastCheck.nat(80), moves(shortKey), (entries, before, steps) => {
        const early = entries.slice(0, before)
        const memtable = memtableOf(early)
        const cursor = mergeCursors(newestCursors(memtable, before))
        walk(cursor, newest(early), steps)
        insert(memtable, entries.slice(before))
        walk(cursor, newest(early), steps)
        walk(mergeCursors(newestCursors(memtable, before)), newest(early), steps)
        walk(mergeCursors(newestCursors(memtable, Number.MAX_SAFE_INTEGER)), newest(entries), steps)
      })
    )
  })

  it("finds any of thousands of versions, including those inserted after the first lookup", () => {
    const hot = (from: number, to: number): ReadonlyArray<TestEntry> =>
      Array.from({ length: to - from }, (_, i) => {
        const sequence = from + i + 1
        return { key: Uint8Array.of(sequence % 3), sequence, value: Uint8Array.of(sequence, sequence >>> 8) }
      })
    const memtable = new Memtable(1, 1 << 20)
    for (let written = 0; written < 6000; written += 1500) {
      insert(memtable, hot(written, written + 1500))
      for (let sequence = 1; sequence <= written + 1500; sequence += 7) {
        for (let key = 0; key < 3; key++) {
          const due = sequence - ((sequence - key + 3) % 3)
          const found = due <= 0 ? undefined : show(hot(due - 1, due)[0])
          expect(lookup(memtable, Uint8Array.of(key), sequence)).toBe(found)
        }
      }
    }
  })

  it("moves readers over keys with many versions in few steps, both ways", () => {
    const versions = 5000
    class Counting extends Memtable {
      steps = 0
      override olderOf(id: number): number {
        this.steps++
        return super.olderOf(id)
      }
      override sequenceOf(id: number): number {
        this.steps++
        return super.sequenceOf(id)
      }
    }
    const memtable = new Counting(1, 1 << 20)
    const keys = [1, 2, 3].map((n) => Uint8Array.of(n))
    insert(
      memtable,
      Array.from({ length: versions }, (_, i) => ({ key: keys[i % 3]!, sequence: i + 1, value: nothing }))
    )
    for (const limit of [versions, versions / 2, 3]) {
      const cursor = mergeCursors(newestCursors(memtable, limit))
      memtable.steps = 0
      let seen = 0
      for (cursor.seekToLast(); cursor.valid; cursor.prev()) seen++
      for (cursor.seekToFirst(); cursor.valid; cursor.next()) seen++
      expect(seen).toBe(6)
      expect(memtable.steps).toBeLessThan(100)
    }
  })

  it("never changes the snapshots of its runs", () => {
    const entries = many(9000)
    const memtable = new Memtable(1, 1 << 20)
    const moments: Array<{ readonly at: number; readonly runs: ReadonlyArray<Uint32Array>; readonly copy: string }> = []
    const text = (runs: ReadonlyArray<Uint32Array>) => runs.map((run) => run.join()).join(";")
    for (let at = 0; at < entries.length; at += 700) {
      const runs = memtable.snapshotRuns()
      moments.push({ at, runs, copy: text(runs) })
      insert(memtable, entries.slice(at, at + 700))
    }
    for (const { at, runs, copy } of moments) {
      expect(text(runs)).toBe(copy)
      const keys = new Set(entries.slice(0, at).map(({ key }) => key.join()))
      expect(runs.reduce((n, run) => n + run.length, 0)).toBe(keys.size)
    }
  })

  it("grows to tens of thousands of keys", () => {
    const entries = many(40_000)
    const memtable = memtableOf(entries)
    expect(collect(mergeCursors(memtableCursors(memtable, Number.MAX_SAFE_INTEGER))).map(show)).toEqual(
      inOrder(entries).map(show)
    )
    for (let i = 0; i < entries.length; i += 17) {
      const { key, sequence } = entries[i]!
      expect(lookup(memtable, key, sequence)).toBe(show(entries[i]))
    }
    expect(memtable.approximateCount(undefined, undefined)).toBe(30_000)
    expect(memtable.approximateCount(Uint8Array.of(0x6b, 0, 4, 0), Uint8Array.of(0x6b, 0, 5, 0))).toBe(256)
    expect(memtable.approximateCount(Uint8Array.of(0x6c), Uint8Array.of(0x6b))).toBe(0)
  })

  it("accepts empty keys and values, and values larger than a block of its arena", () => {
    const entries = [
      { key: nothing, sequence: 1, value: nothing },
      { key: nothing, sequence: 2, value: undefined },
      { key: Uint8Array.of(0), sequence: 3, value: nothing },
      { key: Uint8Array.of(0, 0), sequence: 4, value: new Uint8Array(100_000).fill(1) },
      { key: nothing, sequence: 5, value: Uint8Array.of(1) }
    ]
    const memtable = memtableOf(entries)
    for (const entry of entries) expect(lookup(memtable, entry.key, entry.sequence)).toBe(show(entry))
    expect(memtable.memory).toBeGreaterThan(100_000)
  })

  it("is full at its budget, but accepts one entry whatever the budget", () => {
    const memtable = new Memtable(1, 1)
    expect([memtable.isEmpty, memtable.isFull]).toEqual([true, false])
    insert(memtable, [{ key: nothing, sequence: 1, value: nothing }])
    expect([memtable.isEmpty, memtable.isFull]).toEqual([false, true])
  })

  it("is due with 16 MiB of large values, or a quarter of a larger budget, if they are most of it", () => {
    const KiB = 1024
    const MiB = 1024 * KiB
    /** The MiB of values of one length that fill a memtable, after some of another length. */
    const filledBy = (length: number, budget: number, threshold: number, before = 0) => {
      const memtable = new Memtable(1, budget, undefined, threshold)
      const value = new Uint8Array(length)
      let sequence = 0
      const put = (value: Uint8Array) => {
        const bytes = Buffer.concat([Buffer.from(`key ${++sequence}`), value])
        memtable.insert(sequence, 1, bytes, 0, bytes.length - value.length, bytes.length - value.length, bytes.length)
      }
      for (let i = 0; i < before; i++) put(new Uint8Array(KiB))
      const from = sequence
      while (!memtable.isDue) put(value)
      const filled = ((sequence - from) * length) / MiB
      // One that is due before it is full weighs as much as it holds.
      const [part, isEarly] = [memtable.memory / budget, !memtable.isFull]
      expect(memtable.weight).toBe(isEarly ? part : 1)
      expect(isEarly).toBe(part < 1)
      while (!memtable.isFull) put(value)
      expect([memtable.isDue, memtable.weight]).toStrictEqual([true, 1])
      return filled
    }
    expect(filledBy(64 * KiB, 64 * MiB, 2 * KiB)).toBe(16)
    expect(filledBy(256 * KiB, 128 * MiB, 2 * KiB)).toBe(32)
    expect(filledBy(64 * KiB, 28 * MiB, Number.POSITIVE_INFINITY)).toBeGreaterThan(17)
    // 6 MiB of small values: 18 of large ones are three quarters.
    const mixed = filledBy(64 * KiB, 64 * MiB, 2 * KiB, 6 * KiB)
    expect(mixed).toBeGreaterThan(18)
    expect(mixed).toBeLessThan(20)
  })
})

/**
 * Keys of eight bytes with the same hash: the second word undoes the first one's effect on the
 * state.
 */
const colliding = (count: number): ReadonlyArray<Uint8Array> => {
  const rotate = (x: number, n: number) => (x << n) | (x >>> (32 - n))
  /** The inverse of an odd number modulo 2^32, by Newton's method. */
  const inverse = (odd: number) => {
    let x = odd
    for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x))
    return x
  }
  const mix = (word: number) => Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)
  const unmix = (k: number) => Math.imul(rotate(Math.imul(k, inverse(0x1b873593)), 17), inverse(0xcc9e2d51))
  const wanted = rotate(Math.imul((0x12345678 - 0xe6546b64) | 0, inverse(5)), 19)
  return Array.from({ length: count }, (_, i) => {
    const state = (Math.imul(rotate(8 ^ 0x2f0b4c47 ^ mix(i + 1), 13), 5) + 0xe6546b64) | 0
    const key = new Uint8Array(8)
    const view = new DataView(key.buffer)
    view.setInt32(0, i + 1, true)
    view.setInt32(4, unmix(wanted ^ state), true)
    return key
  })
}

describe("keys that are chosen to collide", () => {
  const put = (keys: ReadonlyArray<Uint8Array>): Memtable =>
    memtableOf(keys.map((key, i) => ({ key, sequence: i + 1, value: Uint8Array.of(i, i >>> 8) })))

  const expectAll = (memtable: Memtable, keys: ReadonlyArray<Uint8Array>): void => {
    for (const [i, key] of keys.entries()) {
      expect(memtable.probesTo(key)).toBeLessThanOrEqual(128)
      const value = Uint8Array.of(i, i >>> 8)
      expect(lookup(memtable, key, Number.MAX_SAFE_INTEGER)).toBe(show({ key, value, sequence: i + 1 }))
    }
  }

  it("are found near their first slots, however many collide", () => {
    const keys = colliding(3000)
    expect(new Set(keys.map((key) => hash(key, 0, 8))).size).toBe(1)
    const memtable = put(keys)
    expectAll(memtable, keys)
    expect(lookup(memtable, Uint8Array.of(1), Number.MAX_SAFE_INTEGER)).toBeUndefined()
    const ordered = keys.map((key, i) => ({ key, sequence: i + 1, value: Uint8Array.of(i, i >>> 8) }))
    expect(collect(mergeCursors(memtableCursors(memtable, Number.MAX_SAFE_INTEGER))).map(show)).toEqual(
      inOrder(ordered).map(show)
    )
  })

  it("do not slow down others, before or after", () => {
    const others = Array.from({ length: 3000 }, (_, i) => Uint8Array.of(9, i, i >>> 8))
    const crafted = colliding(500)
    expectAll(put([...others, ...crafted]), [...others, ...crafted])
    expectAll(put([...crafted, ...others]), [...crafted, ...others])
  })
})
