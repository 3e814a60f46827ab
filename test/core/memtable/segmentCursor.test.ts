import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { mergeCursors } from "../../../src/core/cursor/mergeCursor.js"
import { applyBatch } from "../../../src/core/log/batchFormat.js"
import { SegmentReader } from "../../../src/core/log/logSegment.js"
import { Memtable } from "../../../src/core/memtable/memtable.js"
import { type SequenceRange, segmentCursor } from "../../../src/core/memtable/segmentCursor.js"
import { CorruptionFailure } from "../../../src/core/storage/failure.js"
import { moves, walk } from "../../support/cursorWalk.js"
import { anyKey, collect, history, inOrder, show, type TestEntry } from "../../support/entries.js"
import { check } from "../../support/property.js"
import { segmentNumber, segmentOf } from "../../support/segments.js"

const storeId = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)

const read = (bytes: Uint8Array) => new SegmentReader("7.log", segmentNumber, bytes, storeId)
const cursorOf = (bytes: Uint8Array, range: SequenceRange) => segmentCursor(read(bytes), range)

const writes = history(anyKey, { minLength: 1, maxLength: 80 })
const shifted = (entries: ReadonlyArray<TestEntry>, by: number) =>
  entries.map((entry) => ({ ...entry, sequence: entry.sequence + by }))
const rangeOf = (entries: ReadonlyArray<TestEntry>): SequenceRange => ({
  first: entries[0]!.sequence,
  last: entries.at(-1)!.sequence
})
const recordSize = FastCheck.integer({ min: 1, max: 7 })

describe("a segment's cursor", () => {
  it("moves over the sorted versions, as a cursor over an array does", () => {
    check(
      FastCheck.property(writes, recordSize, FastCheck.nat(1000), moves(anyKey), (from1, size, by, steps) => {
        const entries = shifted(from1, by)
        walk(cursorOf(segmentOf(entries, storeId, size), rangeOf(entries)), entries, steps)
      })
    )
  })

  it("has the same entries as the memtable that the records were applied to", () => {
    check(
      FastCheck.property(writes, recordSize, FastCheck.boolean(), (entries, size, isBuffered) => {
        const bytes = segmentOf(entries, storeId, size, isBuffered)
        const memtable = new Memtable(segmentNumber, 1 << 20)
        const reader = read(bytes)
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          applyBatch(bytes, frame.payloadStart, frame.payloadEnd, memtable)
        }
        const range = { first: memtable.largestSequence - memtable.count + 1, last: memtable.largestSequence }
        const found = collect(cursorOf(bytes, range)).map(show)
        expect(found).toStrictEqual(collect(mergeCursors(memtable.versionCursors())).map(show))
        expect(found).toStrictEqual(inOrder(entries).map(show))
      })
    )
  })

  it("ignores zeros ahead of the records", () => {
    check(
      FastCheck.property(writes, FastCheck.integer({ min: 1, max: 100 }), (entries, zeros) => {
        const bytes = segmentOf(entries, storeId)
        const extended = new Uint8Array(bytes.length + zeros)
        extended.set(bytes)
        expect(collect(cursorOf(extended, rangeOf(entries))).length).toBe(entries.length)
      }),
      20
    )
  })

  it("refuses a segment with fewer, more or other sequence numbers than the memtable has", () => {
    check(
      FastCheck.property(
        writes,
        recordSize,
        FastCheck.constantFrom([0, 1], [0, -1], [1, 0], [-1, 0], [1, 1], [-1, -1], [-1, 1], [1, -1]),
        (entries, size, [ofFirst = 0, ofLast = 0]) => {
          const moved = shifted(entries, 10)
          const { first, last } = rangeOf(moved)
          const bytes = segmentOf(moved, storeId, size)
          if (last + ofLast < first + ofFirst) return
          expect(() => cursorOf(bytes, { first: first + ofFirst, last: last + ofLast })).toThrow(CorruptionFailure)
        }
      )
    )
  })

  it("refuses a segment with any byte changed", () => {
    check(
      FastCheck.property(writes, recordSize, FastCheck.nat(), FastCheck.integer({ min: 1, max: 255 }), (...drawn) => {
        const [entries, size, place, flip] = drawn
        const bytes = segmentOf(entries, storeId, size)
        const at = place % bytes.length
        bytes[at] = bytes[at]! ^ flip
        expect(() => cursorOf(bytes, rangeOf(entries))).toThrow()
      }),
      400
    )
  })

  it("refuses a segment that is cut off anywhere", () => {
    const entries = Array.from({ length: 6 }, (_, i) => ({
      key: Uint8Array.of(i % 3),
      sequence: i + 1,
      value: new Uint8Array(i * 3)
    }))
    const bytes = segmentOf(entries, storeId, 2)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => cursorOf(bytes.slice(0, length), rangeOf(entries)), `${length} bytes`).toThrow()
    }
    expect(collect(cursorOf(bytes, rangeOf(entries))).length).toBe(6)
  })

  it("refuses the segment of another store and of another number", () => {
    const entries = [{ key: Uint8Array.of(1), sequence: 1, value: undefined }]
    const bytes = segmentOf(entries, storeId)
    expect(() => new SegmentReader("8.log", 8, bytes, storeId)).toThrow(CorruptionFailure)
    expect(() => new SegmentReader("7.log", segmentNumber, bytes, new Uint8Array(8))).toThrow(CorruptionFailure)
  })
})
