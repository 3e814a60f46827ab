import { compareRange, equals } from "../bytes/bytes.js"
import { isTombstone } from "./entryKind.js"

/** Keys in the half-open range [start, end). A reader at `sequence` or later sees none of them. */
export interface DeletedGap {
  readonly start: Uint8Array
  readonly end: Uint8Array
  readonly sequence: number
}

interface Gap extends DeletedGap {
  /** When a reader last used it. */
  used: number
  /** How many of its two ends were made by a put. A reader that uses the gap sets it to 0. */
  cuts: number
}

/** At most this many gaps are kept. */
const mostGaps = 16
/** Longer keys do not bound a gap. */
const longestBound = 1024

/**
 * The gaps that readers found: ranges of keys in which they passed over many deleted entries and
 * saw none. Later readers seek past a gap instead.
 *
 * What must always hold: if a gap [start, end) has sequence number S, no key in it is visible at S,
 * and no put of such a key was applied since. So no key in it is visible at any number from S to the
 * newest.
 *
 * - `add` takes only what a reader found at the newest sequence number, or at an older one if no
 *   later put was near: see `Watch`.
 * - `insert` must be called for every put that is applied, before readers see it. It cuts the gap
 *   that holds the key.
 * - Deletes, flushes and compactions make no key visible, so they do not matter.
 */
export class DeletedGaps {
  /** A reader that passes over this many deleted entries adds a gap. Tests lower it. */
  static leastPassed = 32
  readonly leastPassed = DeletedGaps.leastPassed
  /** Sorted, and disjoint. */
  private readonly gaps: Array<Gap> = []
  private clock = 0
  private watch: Watch | undefined
  /** If true, puts need not be reported. */
  isEmpty = true

  /** `newest` returns the newest visible sequence number. */
  constructor(private readonly newest: () => number) {}

  /** The gap that holds the key `bytes[start, end)`, for a reader at `sequence`. */
  holding(bytes: Uint8Array, start: number, end: number, sequence: number): DeletedGap | undefined {
    const gap = this.gaps[this.firstEndingAbove(bytes, start, end)]
    return gap === undefined || compareKey(gap.start, bytes, start, end) > 0 ? undefined : this.use(gap, sequence)
  }

  /** The gap that holds the keys just below the key `bytes[start, end)`. */
  below(bytes: Uint8Array, start: number, end: number, sequence: number): DeletedGap | undefined {
    let at = this.firstEndingAbove(bytes, start, end)
    const before = this.gaps[at - 1]
    if (before !== undefined && compareKey(before.end, bytes, start, end) === 0) at--
    const gap = this.gaps[at]
    return gap === undefined || compareKey(gap.start, bytes, start, end) >= 0 ? undefined : this.use(gap, sequence)
  }

  /**
   * Adds the gap [start, end) that a reader at `sequence` found. Gaps that overlap it or touch it
   * become one with it. `goesOn` if the reader has stopped on its way and may find more.
   */
  add(start: Uint8Array, end: Uint8Array, sequence: number, goesOn: boolean): void {
    const { watch } = this
    const isNewest = sequence === this.newest()
    if (!isNewest && (watch === undefined || !watch.excludes(start, end, sequence))) return
    if (start.length > longestBound || end.length > longestBound || compareKey(start, end, 0, end.length) >= 0) return
    const { gaps } = this
    if (goesOn && isNewest) this.watch = new Watch(sequence)
    else if (!goesOn && watch?.since === sequence) this.watch = undefined
    let from = this.firstEndingAbove(start, 0, start.length)
    if (from > 0 && equals(gaps[from - 1]!.end, start)) from--
    let to = from
    for (; to < gaps.length && compareKey(gaps[to]!.start, end, 0, end.length) <= 0; to++) {
      const gap = gaps[to]!
      if (compareKey(gap.start, start, 0, start.length) < 0) start = gap.start
      if (compareKey(gap.end, end, 0, end.length) > 0) end = gap.end
      sequence = Math.max(sequence, gap.sequence)
    }
    gaps.splice(from, to - from, { start, end, sequence, used: ++this.clock, cuts: 0 })
    this.settle()
  }

  /** Takes an operation that is applied. A put cuts the gap that holds its key. */
  insert(_sequence: number, kind: number, bytes: Uint8Array, keyStart: number, keyEnd: number): void {
    if (isTombstone(kind)) return
    this.watch?.take(bytes, keyStart, keyEnd)
    const at = this.firstEndingAbove(bytes, keyStart, keyEnd)
    const gap = this.gaps[at]
    if (gap === undefined) return
    const order = compareKey(gap.start, bytes, keyStart, keyEnd)
    if (order > 0) return
    const parts: Array<Gap> = []
    if (keyEnd - keyStart < longestBound) {
      const after = justAbove(bytes, keyStart, keyEnd)
      if (order < 0) parts.push({ ...gap, end: after.subarray(0, -1), cuts: gap.cuts + 1 })
      if (compareKey(after, gap.end, 0, gap.end.length) < 0) parts.push({ ...gap, start: after, cuts: gap.cuts + 1 })
    }
    this.gaps.splice(at, 1, ...parts)
    this.settle()
  }

  /** The index of the first gap whose end is above a key. The last gap is looked at first. */
  private firstEndingAbove(bytes: Uint8Array, start: number, end: number): number {
    const { gaps } = this
    let from = 0
    let to = gaps.length
    let middle = to - 1
    while (from < to) {
      if (compareKey(gaps[middle]!.end, bytes, start, end) > 0) to = middle
      else from = middle + 1
      middle = (from + to) >>> 1
    }
    return from
  }

  private use(gap: Gap, sequence: number): DeletedGap | undefined {
    if (gap.sequence > sequence) return undefined
    gap.used = ++this.clock
    gap.cuts = 0
    return gap
  }

  /** Drops gaps that are too many. What puts have left between them goes first, then the oldest. */
  private settle(): void {
    const { gaps } = this
    while (gaps.length > mostGaps) {
      let worst = 0
      for (let i = 1; i < gaps.length; i++) if (isWorse(gaps[i]!, gaps[worst]!)) worst = i
      gaps.splice(worst, 1)
    }
    this.isEmpty = gaps.length === 0
    if (this.isEmpty) this.watch = undefined
  }
}

/**
 * Keeps the lowest and the highest key that was put since a reader stopped on its way. Others may
 * write before it goes on. What it finds outside of these keys is still true then.
 */
class Watch {
  private lowest: Uint8Array | undefined
  private highest: Uint8Array | undefined

  constructor(readonly since: number) {}

  take(bytes: Uint8Array, start: number, end: number): void {
    const { highest, lowest } = this
    if (lowest === undefined || compareKey(lowest, bytes, start, end) > 0) this.lowest = copyOf(bytes, start, end)
    if (highest === undefined || compareKey(highest, bytes, start, end) < 0) this.highest = copyOf(bytes, start, end)
  }

  /** Whether no key in [start, end) was put after `sequence`. */
  excludes(start: Uint8Array, end: Uint8Array, sequence: number): boolean {
    if (sequence < this.since) return false
    const { highest, lowest } = this
    if (highest === undefined || lowest === undefined) return true
    return compareKey(lowest, end, 0, end.length) >= 0 || compareKey(highest, start, 0, start.length) < 0
  }
}

const isWorse = (a: Gap, b: Gap): boolean => (a.cuts > 1 === b.cuts > 1 ? a.used < b.used : a.cuts > 1)

const compareKey = (key: Uint8Array, bytes: Uint8Array, start: number, end: number): number =>
  compareRange(key, 0, key.length, bytes, start, end)

/** A copy. The `slice` of a Buffer is none. */
const copyOf = (bytes: Uint8Array, start: number, end: number): Uint8Array => new Uint8Array(bytes.subarray(start, end))

/** The smallest key above `bytes[start, end)`. */
export const justAbove = (bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> => {
  const key = new Uint8Array(end - start + 1)
  key.set(bytes.subarray(start, end))
  return key
}
