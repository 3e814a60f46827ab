import { compare, compareRange } from "../bytes/bytes.js"
import { compareEnds, isAbove, type RangeDeletion } from "./rangeDeletion.js"

/** A stretch of keys [start, end) that the same range deletions cover. It never changes. */
export interface Fragment {
  readonly start: Uint8Array
  /** Undefined if it has no end. */
  readonly end: Uint8Array | undefined
  /** The sequence numbers of the range deletions, ascending. There is at least one. */
  readonly sequences: ReadonlyArray<number>
}

/** Whether a reader may see `from` and not `to`: then both are kept. */
export type Separates = (from: number, to: number) => boolean

/**
 * The keys that range deletions cover, as sorted and disjoint fragments.
 *
 * Of the deletions of a fragment only those are kept that some reader must tell apart, so ranges that
 * grow at one end stay one fragment. A list of fragments that was handed out never changes: the next
 * deletion copies it.
 */
export class Coverage {
  private fragments: Array<Fragment> = []
  private isShared = false

  get isEmpty(): boolean {
    return this.fragments.length === 0
  }

  /** The fragments now. */
  share(): ReadonlyArray<Fragment> {
    this.isShared = true
    return this.fragments
  }

  /** Adds a range deletion. `separates` is asked of each older one that it covers. */
  add({ start, end, sequence }: RangeDeletion, separates: Separates): void {
    if (compareEnds(start, end) >= 0) return
    if (this.isShared) {
      this.fragments = [...this.fragments]
      this.isShared = false
    }
    const { fragments } = this
    const from = firstEndingAbove(fragments, start, 0, start.length)
    const made = new FragmentList()
    /** Where what is added goes on. */
    let at: Uint8Array | undefined = start
    let to = from
    for (; at !== undefined && to < fragments.length; to++) {
      const fragment = fragments[to]!
      if (end !== undefined && compare(fragment.start, end) >= 0) break
      const order = compare(fragment.start, at)
      if (order < 0) made.push({ ...fragment, end: at })
      else if (order > 0) made.push({ start: at, end: fragment.start, sequences: [sequence] })
      const begin: Uint8Array = order > 0 ? fragment.start : at
      const isSplit = compareEnds(fragment.end, end) > 0
      const until: Uint8Array | undefined = isSplit ? end : fragment.end
      made.push({ start: begin, end: until, sequences: withSequence(fragment.sequences, sequence, separates) })
      if (isSplit) made.push({ ...fragment, start: end! })
      at = isSplit ? undefined : fragment.end
      if (fragment.end === undefined || (end !== undefined && at !== undefined && compare(at, end) >= 0)) at = undefined
    }
    if (at !== undefined) made.push({ start: at, end, sequences: [sequence] })
    // A neighbour may have the same deletions now.
    const before = fragments[from - 1]
    const first = made.list[0]
    const joins = before !== undefined && first !== undefined && canJoin(before, first)
    if (joins) made.list[0] = { ...first, start: before.start }
    const after = fragments[to]
    const last = made.list.at(-1)
    const joinsAfter = after !== undefined && last !== undefined && canJoin(last, after)
    if (joinsAfter) made.list[made.list.length - 1] = { ...last, end: after.end }
    const cutFrom = joins ? from - 1 : from
    fragments.splice(cutFrom, (joinsAfter ? to + 1 : to) - cutFrom, ...made.list)
  }

  /** The newest deletion of a key `bytes[from, to)` at or before `sequence`; 0 if there is none. */
  newest(bytes: Uint8Array, from: number, to: number, sequence: number): number {
    const fragment = fragmentAt(this.fragments, bytes, from, to)
    return fragment === undefined ? 0 : newestOf(fragment, sequence)
  }

  /** The oldest deletion of a key after `sequence`; infinite if there is none. */
  oldestAfter(bytes: Uint8Array, from: number, to: number, sequence: number): number {
    const fragment = fragmentAt(this.fragments, bytes, from, to)
    if (fragment === undefined) return Number.POSITIVE_INFINITY
    for (const one of fragment.sequences) if (one > sequence) return one
    return Number.POSITIVE_INFINITY
  }

  /** Whether every key of a range is covered by a later deletion from which no reader tells it apart. */
  supersedes({ start, end, sequence }: RangeDeletion, separates: Separates): boolean {
    const { fragments } = this
    let at: Uint8Array | undefined = start
    for (let i = firstEndingAbove(fragments, start, 0, start.length); i < fragments.length; i++) {
      const fragment = fragments[i]!
      if (compare(fragment.start, at) > 0) return false
      const later = fragment.sequences.find((one) => one > sequence)
      if (later === undefined || separates(sequence, later)) return false
      at = fragment.end
      if (at === undefined || (end !== undefined && compare(at, end) >= 0)) return true
    }
    return false
  }
}

/** Fragments in order. Neighbours with the same deletions become one. */
class FragmentList {
  readonly list: Array<Fragment> = []

  push(fragment: Fragment): void {
    const last = this.list.at(-1)
    if (last !== undefined && canJoin(last, fragment)) this.list[this.list.length - 1] = { ...last, end: fragment.end }
    else this.list.push(fragment)
  }
}

const canJoin = (a: Fragment, b: Fragment): boolean =>
  a.end !== undefined &&
  a.sequences.length === b.sequences.length &&
  a.sequences.every((sequence, i) => sequence === b.sequences[i]) &&
  compare(a.end, b.start) === 0

const withSequence = (
  sequences: ReadonlyArray<number>,
  sequence: number,
  separates: Separates
): ReadonlyArray<number> => {
  const all = [...sequences.filter((one) => one < sequence), sequence, ...sequences.filter((one) => one > sequence)]
  return all.filter((one, i) => i === all.length - 1 || (one !== all[i + 1] && separates(one, all[i + 1]!)))
}

/** The index of the first fragment whose end is above a key. */
export const firstEndingAbove = (
  fragments: ReadonlyArray<Fragment>,
  bytes: Uint8Array,
  from: number,
  to: number
): number => {
  let low = 0
  let high = fragments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isAbove(fragments[middle]!.end, bytes, from, to)) high = middle
    else low = middle + 1
  }
  return low
}

const fragmentAt = (
  fragments: ReadonlyArray<Fragment>,
  bytes: Uint8Array,
  from: number,
  to: number
): Fragment | undefined => {
  const fragment = fragments[firstEndingAbove(fragments, bytes, from, to)]
  return fragment === undefined || compareRange(fragment.start, 0, fragment.start.length, bytes, from, to) > 0
    ? undefined
    : fragment
}

/** The newest deletion of a fragment at or before `sequence`; 0 if there is none. */
export const newestOf = ({ sequences }: Fragment, sequence: number): number => {
  for (let i = sequences.length - 1; i >= 0; i--) if (sequences[i]! <= sequence) return sequences[i]!
  return 0
}
