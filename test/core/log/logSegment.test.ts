import * as FastCheck from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { frameHeaderSize } from "../../../src/core/log/frame.js"
import { startPayloadSize, unusedFrom } from "../../../src/core/log/logSegment.js"
import { CommitMode } from "../../../src/core/log/logWriter.js"
import { CorruptionFailure } from "../../../src/core/storage/failure.js"
import { fileHeaderSize } from "../../../src/core/storage/fileHeader.js"
import { LogHarness, replay, type SegmentBytes } from "../../support/logHarness.js"
import { check } from "../../support/property.js"

/**
 * Segments with these numbers of records. In a synced log each record is synced before the next.
 */
const chain = async (counts: ReadonlyArray<number>, synced: boolean, size = 3): Promise<LogHarness> => {
  const log = new LogHarness()
  for (const [i, count] of counts.entries()) {
    if (i > 0) log.rotate()
    for (let j = 0; j < count; j++) {
      log.commit(synced ? CommitMode.sync : CommitMode.buffered, size)
      if (synced) await log.settle()
    }
  }
  return log
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

const change = (
  segments: ReadonlyArray<SegmentBytes>,
  index: number,
  to: (bytes: Uint8Array) => Uint8Array
): ReadonlyArray<SegmentBytes> => segments.map(([n, bytes], i) => [n, i === index ? to(bytes) : bytes])

const cutTo = (length: number) => (bytes: Uint8Array) => bytes.slice(0, length)
const flip = (bit: number) => (bytes: Uint8Array) => {
  const changed = bytes.slice()
  changed[bit >>> 3]! ^= 1 << (bit & 7)
  return changed
}

const outcome = (segments: ReadonlyArray<SegmentBytes>): ReturnType<typeof replay> | CorruptionFailure => {
  try {
    return replay(segments)
  } catch (failure) {
    if (failure instanceof CorruptionFailure) return failure
    throw failure
  }
}

/** The first record's frame, and the size of frames, in a segment of records of 7 bytes. */
const firstFrame = fileHeaderSize + frameHeaderSize + startPayloadSize
const frameSize = frameHeaderSize + 7

describe("a log segment", () => {
  it("torn anywhere in its last record loses that record, and reports it", async () => {
    const [[number, bytes]] = (await chain([3], false)).image() as [SegmentBytes]
    const last = firstFrame + 2 * frameSize
    expect(bytes.length).toBe(last + frameSize)
    for (let kept = last; kept < bytes.length; kept++) {
      for (const rest of [bytes.slice(0, kept), bytes.slice().fill(0, kept)]) {
        const { records, end } = replay([[number, rest]])
        expect(records).toEqual([0, 1])
        expect(end).toMatchObject({ fileNumber: number, size: last })
        // If nothing of the record is there, its place is unused space.
        const torn = kept === last ? [] : [{ file: "1.log", offset: last, bytes: unusedFrom(rest, last) - last }]
        expect(end.torn).toEqual(torn)
      }
    }
  })

  it("reads the same with zeros after any of its ends", async () => {
    const log = await chain([2, 0, 3], true)
    const [last] = log.image().slice(-1) as [SegmentBytes]
    check(
      FastCheck.property(FastCheck.integer({ min: 1, max: 9000 }), FastCheck.nat(3 * frameSize), (zeros, less) => {
        const cut = change(log.image(), 2, cutTo(last[1].length - less))
        const longer = change(cut, 2, (bytes) => Uint8Array.of(...bytes, ...new Uint8Array(zeros)))
        const { records, end } = replay(cut)
        const found = replay(longer)
        expect([found.records, found.end.fileNumber, found.end.size]).toEqual([records, end.fileNumber, end.size])
        expect(found.end.torn.length).toBeLessThanOrEqual(end.torn.length)
        if (less % frameSize === 0) expect(found.end.torn).toEqual([])
      }),
      200
    )
  })

  it("torn within its start frame is empty", async () => {
    const [[number, bytes]] = (await chain([1], false)).image() as [SegmentBytes]
    for (let length = fileHeaderSize; length < firstFrame; length++) {
      const { records, end } = replay([[number, bytes.slice(0, length)]])
      expect([records, end.fileNumber, end.size]).toEqual([[], 0, 0])
      expect(end.torn.length).toBe(length === fileHeaderSize ? 0 : 1)
    }
    for (let length = 0; length < fileHeaderSize; length++) {
      expect(outcome([[number, bytes.slice(0, length)]])).toBeInstanceOf(CorruptionFailure)
    }
  })

  it("with any bit changed before a synced record is corrupt, and after it torn", async () => {
    const [[number, bytes]] = (await chain([4], true)).image() as [SegmentBytes]
    // Record i says that record i - 1 was synced. No record says so of the last one.
    const proven = firstFrame + 3 * frameSize
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const result = outcome([[number, flip(bit)(bytes)]])
      if (bit >>> 3 < proven) {
        expect(result).toBeInstanceOf(CorruptionFailure)
        expect(result).toMatchObject({ file: "1.log", region: bit < fileHeaderSize * 8 ? "file header" : "log frame" })
      } else {
        expect(result).toMatchObject({
          records: [0, 1, 2],
          end: { size: proven, torn: [{ file: "1.log", offset: proven, bytes: frameSize }] }
        })
      }
    }
  })

  it("closed in order proves all its records, and allows no bytes after its end", async () => {
    const log = await chain([3], false)
    log.writer.close(() => undefined)
    await log.settle()
    const [[number, bytes]] = log.image() as [SegmentBytes]
    const closing = bytes.length - frameHeaderSize
    expect(replay([[number, bytes]])).toMatchObject({ records: [0, 1, 2], end: { size: bytes.length, torn: [] } })
    for (let bit = fileHeaderSize * 8; bit < bytes.length * 8; bit++) {
      const result = outcome([[number, flip(bit)(bytes)]])
      if (bit >>> 3 < closing) expect(result).toBeInstanceOf(CorruptionFailure)
      else expect(result).toMatchObject({ records: [0, 1, 2], end: { size: closing, torn: [{ offset: closing }] } })
    }
    expect(outcome([[number, Uint8Array.of(...bytes, 1)]])).toBeInstanceOf(CorruptionFailure)
    const longer = Uint8Array.of(...bytes, 0, 0, 0)
    expect(replay([[number, longer]])).toMatchObject({ records: [0, 1, 2], end: { size: bytes.length, torn: [] } })
  })

  it("with any bytes after its header is torn or corrupt", async () => {
    const [[number, bytes]] = (await chain([2], false)).image() as [SegmentBytes]
    check(
      FastCheck.property(FastCheck.uint8Array({ maxLength: 200 }), FastCheck.nat(bytes.length), (tail, kept) => {
        const from = Math.max(fileHeaderSize, kept)
        const all = Uint8Array.of(...bytes.subarray(0, from), ...tail)
        const result = outcome([[number, all]])
        if (result instanceof CorruptionFailure) return
        expect(result.records).toEqual(numbers(result.records.length))
        // Without a record, the valid part is the header, with or without the start frame.
        const valid = result.records.length > 0 ? [result.end.size] : [fileHeaderSize, firstFrame]
        const rest = result.end.torn.reduce((n, torn) => n + torn.bytes, 0)
        expect(valid.map((end) => unusedFrom(all, end) - end)).toContain(rest)
      }),
      300
    )
  })
})

describe("a chain of log segments", () => {
  it("reads in order, and ignores empty segments at its end", async () => {
    const log = await chain([2, 0, 3, 1], false)
    const empty = new LogHarness({ fileNumber: 98, size: 0, torn: [] }).image()[0]![1].slice(0, fileHeaderSize)
    const { records, end } = replay([...log.image(), [99, empty]])
    expect(records).toEqual(numbers(6))
    expect(end).toEqual({ fileNumber: 4, size: log.current.bytes.length, torn: [] })
    expect(replay([])).toEqual({ records: [], end: { fileNumber: 0, size: 0, torn: [] } })
  })

  it("may begin at any segment, if the older ones have been removed", async () => {
    const log = await chain([2, 2, 2], true)
    expect(replay(log.image().slice(1)).records).toEqual([2, 3, 4, 5])
  })

  it("is corrupt if a segment is missing in the middle", async () => {
    const image = (await chain([2, 2, 2], false)).image()
    expect(outcome([image[0]!, image[2]!])).toBeInstanceOf(CorruptionFailure)
    expect(outcome([image[0]!, image[2]!, image[1]!])).toBeInstanceOf(CorruptionFailure)
  })

  it("that was never synced is a prefix if any segment is cut short", async () => {
    const log = await chain([3, 3, 3], false)
    for (const [index, [, whole]] of log.image().entries()) {
      for (let length = fileHeaderSize; length < whole.length; length++) {
        const { records, end } = replay(change(log.image(), index, cutTo(length)))
        const kept = length < firstFrame ? 0 : Math.floor((length - firstFrame) / frameSize)
        expect(records).toEqual(numbers(index * 3 + kept))
        const tornHere = length < firstFrame ? length - fileHeaderSize : (length - firstFrame) % frameSize
        expect(end.torn.map(({ file }) => file)).toEqual(
          [...(tornHere > 0 ? [index] : []), ...numbers(3).slice(index + 1)].map((i) => `${i + 1}.log`)
        )
      }
    }
  })

  it("is corrupt if a segment is cut short that a later one records as synced", async () => {
    const log = await chain([2, 2, 2], true)
    for (const index of [0, 1]) {
      const whole = log.image()[index]![1].length
      for (let length = 0; length < whole; length++) {
        expect(outcome(change(log.image(), index, cutTo(length)))).toBeInstanceOf(CorruptionFailure)
      }
    }
  })

  it("is corrupt with any bit changed in a segment that was synced before the rotation", async () => {
    const log = await chain([2, 0], true)
    const image = log.image()
    for (let bit = 0; bit < image[0]![1].length * 8; bit++) {
      expect(outcome(change(image, 0, flip(bit)))).toBeInstanceOf(CorruptionFailure)
    }
  })

  it("with any bit changed is a prefix or corrupt, and reports a loss", async () => {
    for (const synced of [false, true]) {
      const log = await chain([2, 1, 2], synced)
      const image = log.image()
      for (const [index, [, bytes]] of image.entries()) {
        for (let bit = 0; bit < bytes.length * 8; bit += 3) {
          const result = outcome(change(image, index, flip(bit)))
          if (result instanceof CorruptionFailure) continue
          expect(result.records).toEqual(numbers(result.records.length))
          expect(result.end.torn.length).toBeGreaterThan(0)
          if (synced) expect(result.records.length).toBeGreaterThanOrEqual(4)
        }
      }
    }
  })

  it("continues after a torn end that a recovery dropped", async () => {
    const log = await chain([2, 3], false)
    const torn = change(log.image(), 1, cutTo(log.current.bytes.length - 3))
    const { records, end } = replay(torn)
    expect(records).toEqual(numbers(4))
    const resumed = new LogHarness(end)
    resumed.committed = 4
    resumed.commit(CommitMode.sync, 3)
    await resumed.settle()
    resumed.commit(CommitMode.buffered, 3)
    const all = [...torn, ...resumed.image()]
    expect(replay(all)).toMatchObject({ records: numbers(6), end: { fileNumber: 3, torn: [] } })
    // The part that was valid then must still be there.
    const from = end.size - frameSize
    for (let length = fileHeaderSize; length < end.size; length++) {
      expect(outcome(change(all, 1, cutTo(length)))).toBeInstanceOf(CorruptionFailure)
    }
    for (let bit = from * 8; bit < end.size * 8; bit++) {
      expect(outcome(change(all, 1, flip(bit)))).toBeInstanceOf(CorruptionFailure)
    }
    // The dropped part does not matter.
    for (let length = end.size; length < torn[1]![1].length; length++) {
      expect(replay(change(all, 1, cutTo(length))).records).toEqual(numbers(6))
    }
  })

  it("does not mistake an old segment's bytes for new ones", async () => {
    const old = (await chain([3], true)).image()[0]![1]
    const other = new LogHarness({ fileNumber: 1, size: 0, torn: [] })
    other.commit(CommitMode.buffered, 3)
    const second = other.image()[0]![1]
    const stale = Uint8Array.of(...second, ...old.subarray(second.length))
    expect(replay([[2, stale]])).toMatchObject({ records: [0], end: { torn: [{ offset: second.length }] } })
  })
})
