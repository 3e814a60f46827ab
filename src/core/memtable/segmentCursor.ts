import { compareRange, prefixWord } from "../bytes/bytes.js"
import { readVarint, varintEnd, varintLength } from "../bytes/encoding.js"
import { EntryKind } from "../cursor/entryKind.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import { applyBatch, type BatchTarget, batchCount, batchSequence } from "../log/batchFormat.js"
import type { SegmentReader } from "../log/logSegment.js"
import { failureOfRecord } from "../log/sequenceChain.js"
import { CorruptionFailure } from "../storage/failure.js"
import { mergeSort } from "./sortedRuns.js"

/** The operations that a log segment must hold: all of these sequence numbers, and no others. */
export interface SequenceRange {
  readonly first: number
  readonly last: number
}

/** Places in a segment are kept as 32-bit numbers. */
const longestSegment = 2 ** 32 - 1

/**
 * The places of a segment's keys, in log order. The operation at index `i` has the sequence number
 * `first + i`.
 */
class Places implements BatchTarget {
  readonly keyStarts: Uint32Array
  readonly keyEnds: Uint32Array
  count = 0
  /** How many bytes all keys so far have in common at their beginning. */
  commonPrefix = Number.POSITIVE_INFINITY
  /** The newest range deletion; 0 if there is none. */
  newestRange = 0
  holdsExpiring = false

  constructor(capacity: number) {
    this.keyStarts = new Uint32Array(capacity)
    this.keyEnds = new Uint32Array(capacity)
  }

  insert(sequence: number, kind: number, bytes: Uint8Array, keyStart: number, keyEnd: number): void {
    const at = this.count++
    if (kind === EntryKind.rangeDeletion) this.newestRange = sequence
    else if (kind === EntryKind.expiringValue) this.holdsExpiring = true
    this.keyStarts[at] = keyStart
    this.keyEnds[at] = keyEnd
    const first = this.keyStarts[0]!
    const limit = Math.min(this.commonPrefix, keyEnd - keyStart)
    let shared = 0
    while (shared < limit && bytes[first + shared] === bytes[keyStart + shared]) shared++
    this.commonPrefix = shared
  }
}

/**
 * Reads every record of a segment, and checks that they are the operations of `range`. Only the
 * places of keys are kept: 24 bytes an entry while they are sorted.
 *
 * @throws CorruptionFailure if the segment holds anything else
 */
const readPlaces = (segment: SegmentReader, { first, last }: SequenceRange): Places => {
  const { bytes, file } = segment
  const expected = last - first + 1
  const differs = (reason: string): never => {
    throw new CorruptionFailure(file, segment.position, "log segment", reason)
  }
  if (bytes.length > longestSegment) differs(`${bytes.length} bytes are too many`)
  const places = new Places(expected)
  let due = first
  for (let frame = segment.next(); frame !== undefined; frame = segment.next()) {
    const { offset, payloadStart, payloadEnd } = frame
    const sequence = batchSequence(bytes, payloadStart)
    if (sequence !== due) differs(`sequence number ${sequence}, expected ${due}`)
    due += batchCount(bytes, payloadStart)
    if (due > last + 1) differs(`sequence number ${due - 1}, expected none after ${last}`)
    try {
      applyBatch(bytes, payloadStart, payloadEnd, places)
    } catch (failure) {
      throw failureOfRecord(failure, file, offset)
    }
  }
  if (places.count !== expected) differs(`${places.count} operations, expected ${expected}`)
  return places
}

/** Sorts entries by key, and those of one key from the newest to the oldest. */
const sortPlaces = (bytes: Uint8Array, places: Places): Uint32Array => {
  const { keyStarts, keyEnds, count, commonPrefix } = places
  // The words begin after what all keys share, so that they differ.
  const high = new Uint32Array(count)
  const low = new Uint32Array(count)
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    const start = keyStarts[i]! + commonPrefix
    const end = keyEnds[i]!
    high[i] = prefixWord(bytes, start, end)
    low[i] = prefixWord(bytes, Math.min(start + 4, end), end)
    order[i] = i
  }
  return mergeSort(order, (a, b) => {
    const byHigh = high[a]! - high[b]!
    if (byHigh !== 0) return byHigh
    const byLow = low[a]! - low[b]!
    if (byLow !== 0) return byLow
    const byKey = compareRange(
      bytes,
      keyStarts[a]! + commonPrefix,
      keyEnds[a]!,
      bytes,
      keyStarts[b]! + commonPrefix,
      keyEnds[b]!
    )
    return byKey !== 0 ? byKey : b - a
  })
}

/**
 * The entries of one log segment, sorted. Keys and values stay where the segment has them: nothing
 * is copied. A frozen memtable holds the same entries, so a flush can read them from here.
 */
export class SegmentCursor implements InternalCursor {
  valid = false
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd = 0
  readonly valueIsOwn = false
  sequence = 0
  kind = 0
  private position = -1

  constructor(
    readonly keyBytes: Uint8Array,
    private readonly places: Places,
    private readonly order: Uint32Array,
    private readonly firstSequence: number
  ) {}

  get valueBytes(): Uint8Array {
    return this.keyBytes
  }
  get entry(): this {
    return this
  }

  /** The sequence number of the newest range deletion; 0 if there is none. */
  get newestRange(): number {
    return this.places.newestRange
  }

  /** Whether any entry is a range deletion or expires. */
  get needsAllKinds(): boolean {
    return this.places.newestRange > 0 || this.places.holdsExpiring
  }

  seekToFirst(): void {
    this.moveTo(0)
  }

  seekToLast(): void {
    this.moveTo(this.order.length - 1)
  }

  seek(key: Uint8Array, length: number): void {
    const { keyBytes, order } = this
    const { keyStarts, keyEnds } = this.places
    let from = 0
    let to = order.length
    while (from < to) {
      const middle = (from + to) >>> 1
      const at = order[middle]!
      if (compareRange(keyBytes, keyStarts[at]!, keyEnds[at]!, key, 0, length) < 0) from = middle + 1
      else to = middle
    }
    this.moveTo(from)
  }

  next(): void {
    this.moveTo(this.position + 1)
  }

  prev(): void {
    this.moveTo(this.position - 1)
  }

  private moveTo(position: number): void {
    const { keyBytes, order, places } = this
    this.valid = position >= 0 && position < order.length
    if (!this.valid) return
    this.position = position
    const at = order[position]!
    const keyStart = places.keyStarts[at]!
    const keyEnd = places.keyEnds[at]!
    this.keyStart = keyStart
    this.keyEnd = keyEnd
    this.sequence = this.firstSequence + at
    this.kind = keyBytes[keyStart - varintLength(keyEnd - keyStart) - 1]!
    this.valueStart = keyEnd
    this.valueEnd = keyEnd
    if (this.kind === EntryKind.deletion) return
    // The record was checked when it was read.
    const length = readVarint(keyBytes, keyEnd, keyBytes.length)
    this.valueStart = varintEnd
    this.valueEnd = varintEnd + length
  }
}

/**
 * A cursor over all entries of a segment, which must hold exactly the operations of `range`.
 *
 * @throws CorruptionFailure if it holds anything else
 */
export const segmentCursor = (segment: SegmentReader, range: SequenceRange): SegmentCursor => {
  const places = readPlaces(segment, range)
  return new SegmentCursor(segment.bytes, places, sortPlaces(segment.bytes, places), range.first)
}
