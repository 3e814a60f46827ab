import { readU32, readU48 } from "../bytes/encoding.js"
import { EntryKind } from "../cursor/entryKind.js"
import { expirySize, readExpiry } from "../cursor/expiry.js"
import { applyBatch, type BatchTarget } from "../log/batchFormat.js"
import { Coverage } from "../ranges/coverage.js"
import { type RangeDeletion, rangeDeletionOf } from "../ranges/rangeDeletion.js"
import { keyBytes, keyText } from "./keyText.js"

/** The newest write of a key. */
export interface RecentWrite {
  readonly sequence: number
  /**
   * The value, or undefined after a deletion. `notKept` if it is applied, or was too large to keep:
   * then it can be read once it is applied.
   */
  value: Uint8Array | undefined | typeof notKept
  /** When the value expires; undefined if it does not. */
  readonly expiresAt: number | undefined
}

export const notKept: unique symbol = Symbol("notKept")

/** A record. Its keys are texts of bytes. */
interface Commit {
  readonly last: number
  readonly keys: ReadonlyArray<string>
  readonly ranges: ReadonlyArray<TextRange>
  /** The same in order, once they have been asked for. */
  sorted: ReadonlyArray<string> | undefined
  readonly bytes: number
}

/** A range of keys as texts: from `start`, inclusive, to `end`, exclusive. */
export interface TextRange {
  readonly start: string
  /** Undefined if the range has no end. */
  readonly end: string | undefined
}

/** Values of a record of more bytes than this are not kept. */
const longestKept = 1024 * 1024

/** What a key and its places in the lists take besides its bytes, and a record besides its keys. */
const keyCost = 250
const recordCost = 200

/**
 * The records that have been numbered but not applied, and those since the oldest transaction began.
 *
 * `add` and `settle` take turns with the log in one thread, so a record is here from the moment when
 * it has its numbers. The newest write of each key is found in constant time. A range is looked up by
 * a binary search in each record.
 */
export class RecentWrites {
  /**
   * Records up to this sequence number may have been forgotten, for lack of room. A transaction that
   * began before it cannot be checked.
   */
  floor = 0
  private readonly newest = new Map<string, RecentWrite>()
  /** The range deletions of all records that are not forgotten, oldest first, and the keys they cover. */
  private ranges: Array<RangeDeletion> = []
  private covered = new Coverage()
  /** In the order of their numbers. Those before `head` are forgotten. */
  private commits: Array<Commit> = []
  private head = 0
  /** Records before this index have been applied, and their values are dropped. */
  private unapplied = 0
  private bytes = 0

  /** `mostBytes` bounds the memory of records that are applied. */
  constructor(private readonly mostBytes: number) {}

  get size(): number {
    return this.commits.length - this.head
  }

  /** Adds the record whose payload is `bytes[start, end)`. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const keys: Array<string> = []
    const ranges: Array<TextRange> = []
    const { newest } = this
    const keepsValues = end - start <= longestKept
    let size = recordCost
    const target: BatchTarget = {
      insert: (sequence, kind, source, keyStart, keyEnd, valueStart, valueEnd) => {
        const key = keyText(source, keyStart, keyEnd)
        if (kind === EntryKind.rangeDeletion) {
          const end = valueEnd === valueStart ? undefined : keyText(source, valueStart, valueEnd)
          ranges.push({ start: key, end })
          const range = rangeDeletionOf(sequence, source, keyStart, keyEnd, source, valueStart, valueEnd)
          this.ranges.push(range)
          this.covered.add(range, onlyNewest)
          size += 2 * keyCost + key.length + (end?.length ?? 0)
          return
        }
        keys.push(key)
        const isDeletion = kind === EntryKind.deletion
        const isExpiring = kind === EntryKind.expiringValue
        const expiresAt = isExpiring ? readExpiry(source, valueStart) : undefined
        const start = isExpiring ? valueStart + expirySize : valueStart
        const value = isDeletion ? undefined : keepsValues ? source.slice(start, valueEnd) : notKept
        newest.set(key, { sequence, value, expiresAt })
        size += keyCost + key.length
      }
    }
    applyBatch(bytes, start, end, target)
    const last = readU48(bytes, start) + readU32(bytes, start + 6) - 1
    this.commits.push({ last, keys, ranges, sorted: undefined, bytes: size })
    this.bytes += size
  }

  /**
   * Records up to `applied` have been applied. Those up to `needed` too that no transaction needs are
   * forgotten; others are forgotten if they take too much room.
   */
  settle(applied: number, needed: number): void {
    const { commits, newest } = this
    for (; this.unapplied < commits.length && commits[this.unapplied]!.last <= applied; this.unapplied++) {
      const { keys, last } = commits[this.unapplied]!
      for (const key of keys) {
        const write = newest.get(key)
        if (write !== undefined && write.sequence <= last && write.value !== undefined) write.value = notKept
      }
    }
    let forgottenTo = 0
    while (this.head < this.unapplied) {
      const { keys, last, bytes } = commits[this.head]!
      if (last > needed) {
        if (this.bytes <= this.mostBytes) break
        this.floor = last
      }
      for (const key of keys) if ((newest.get(key)?.sequence ?? Number.POSITIVE_INFINITY) <= last) newest.delete(key)
      this.bytes -= bytes
      commits[this.head++] = forgotten
      forgottenTo = last
    }
    if (this.ranges.length > 0 && this.ranges[0]!.sequence <= forgottenTo) {
      this.ranges = this.ranges.filter(({ sequence }) => sequence > forgottenTo)
      // What is forgotten is older than all that is asked for, so it may stay for a while.
      if (this.ranges.length * 2 <= this.covered.size) {
        this.covered = new Coverage()
        for (const range of this.ranges) this.covered.add(range, onlyNewest)
      }
    }
    if (this.head > 64 && this.head * 2 > commits.length) {
      this.commits = commits.slice(this.head)
      this.unapplied -= this.head
      this.head = 0
    }
  }

  /** The newest write of a key, if it is here. */
  find(key: string): RecentWrite | undefined {
    const write = this.newest.get(key)
    if (this.covered.isEmpty) return write
    const bytes = keyBytes(key)
    const sequence = this.covered.newest(bytes, 0, bytes.length, Number.POSITIVE_INFINITY)
    return sequence > (write?.sequence ?? 0) ? { sequence, value: undefined, expiresAt: undefined } : write
  }

  /** How many records there are after `sequence`. */
  countAfter(sequence: number): number {
    return this.commits.length - this.firstAfter(sequence)
  }

  /**
   * Looks in the first `most` records after `sequence` for a key that lies in one of the ranges.
   * Returns the key, or the number of the last record that it has looked at. The ranges are in order
   * and do not overlap; see `joinRanges`.
   */
  findIn(ranges: ReadonlyArray<TextRange>, sequence: number, most = Number.POSITIVE_INFINITY): string | number {
    const from = this.firstAfter(sequence)
    const to = Math.min(this.commits.length, from + most)
    for (let i = from; i < to; i++) {
      const key = this.keyIn(this.commits[i]!, ranges)
      if (key !== undefined) return key
    }
    return to > from ? this.commits[to - 1]!.last : sequence
  }

  /** A few keys are looked up among the ranges, and a few ranges among the keys. */
  private keyIn(commit: Commit, ranges: ReadonlyArray<TextRange>): string | undefined {
    const { keys } = commit
    for (const { start, end } of commit.ranges) {
      const read = ranges.find((range) => isBefore(range.start, end) && isBefore(start, range.end))
      if (read !== undefined) return start > read.start ? start : read.start
    }
    if (keys.length <= ranges.length) return keys.find((key) => isInRanges(ranges, key))
    commit.sorted ??= [...keys].sort(byText)
    for (const { start, end } of ranges) {
      const key = commit.sorted[lowerBound(commit.sorted, start)]
      if (key !== undefined && (end === undefined || key < end)) return key
    }
    return undefined
  }

  private firstAfter(sequence: number): number {
    const { commits } = this
    let from = this.head
    let to = commits.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if (commits[middle]!.last <= sequence) from = middle + 1
      else to = middle
    }
    return from
  }
}

/** Only the newest deletion of a key is asked for. */
const onlyNewest = (): boolean => false

/** Stands for a record before `head`. */
const forgotten: Commit = { last: 0, keys: [], ranges: [], sorted: [], bytes: 0 }

/** Whether a key is before an end. */
const isBefore = (key: string, end: string | undefined): boolean => end === undefined || key < end

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const lowerBound = (sorted: ReadonlyArray<string>, text: string): number => {
  let from = 0
  let to = sorted.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (sorted[middle]! < text) from = middle + 1
    else to = middle
  }
  return from
}

/** Adds a range to ranges that are in order and do not overlap. Those that it overlaps or touches become one. */
export const addRange = (ranges: ReadonlyArray<TextRange>, { start, end }: TextRange): ReadonlyArray<TextRange> => {
  if (end !== undefined && end <= start) return ranges
  let from = 0
  let to = ranges.length
  while (from < to) {
    const middle = (from + to) >>> 1
    const other = ranges[middle]!.end
    if (other === undefined || other >= start) to = middle
    else from = middle + 1
  }
  const joined = { start, end }
  for (to = from; to < ranges.length && (joined.end === undefined || ranges[to]!.start <= joined.end); to++) {
    const other = ranges[to]!
    if (other.start < joined.start) joined.start = other.start
    if (joined.end !== undefined && (other.end === undefined || other.end > joined.end)) joined.end = other.end
  }
  return [...ranges.slice(0, from), joined, ...ranges.slice(to)]
}

/** The same ranges in order, with those joined that overlap or touch. */
export const joinRanges = (ranges: ReadonlyArray<TextRange>): ReadonlyArray<TextRange> => {
  const joined: Array<{ start: string; end: string | undefined }> = []
  for (const { start, end } of [...ranges].sort((a, b) => byText(a.start, b.start))) {
    if (end !== undefined && end <= start) continue
    const last = joined.at(-1)
    if (last === undefined || (last.end !== undefined && last.end < start)) joined.push({ start, end })
    else if (last.end !== undefined && (end === undefined || end > last.end)) last.end = end
  }
  return joined
}

/** The range that holds a key, of ranges that are in order and do not overlap. */
export const rangeHolding = (ranges: ReadonlyArray<TextRange>, key: string): TextRange | undefined => {
  let from = 0
  let to = ranges.length
  while (from < to) {
    const middle = (from + to) >>> 1
    if (ranges[middle]!.start <= key) from = middle + 1
    else to = middle
  }
  const range = ranges[from - 1]
  return range !== undefined && (range.end === undefined || key < range.end) ? range : undefined
}

/** Whether a key is in one of the ranges. */
export const isInRanges = (ranges: ReadonlyArray<TextRange>, key: string): boolean =>
  rangeHolding(ranges, key) !== undefined
