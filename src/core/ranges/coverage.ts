import { compare } from "../bytes/bytes.js"
import { type Fragment, Fragments } from "./fragments.js"
import { type Bounds, compareEnds, type RangeDeletion } from "./rangeDeletion.js"

/** Whether a reader may see `from` and not `to`: then both are kept. */
export type Separates = (from: number, to: number) => boolean

/**
 * The keys that range deletions cover, as sorted and disjoint fragments.
 *
 * Of the deletions of a fragment only those are kept that some reader must tell apart, so ranges that
 * grow at one end stay one fragment.
 */
export class Coverage {
  private fragments = Fragments.empty
  /** How many deletions were added. */
  size = 0

  get isEmpty(): boolean {
    return this.fragments.isEmpty
  }

  /** The fragments now. They do not change. */
  share(): Fragments {
    return this.fragments
  }

  /** Adds a range deletion. `separates` is asked of the older one that it comes after in each place. */
  add({ start, end, sequence }: RangeDeletion, separates: Separates): void {
    if (compareEnds(start, end) >= 0) return
    this.size++
    const { fragments } = this
    let from = fragments.firstEndingAbove(start, 0, start.length)
    const made = new FragmentList()
    /** Where what is added goes on. */
    let at: Uint8Array | undefined = start
    let to = from
    for (let fragment = fragments.at(to); at !== undefined && fragment !== undefined; fragment = fragments.at(to)) {
      if (end !== undefined && compare(fragment.start, end) >= 0) break
      to = fragments.next(to)
      const order = compare(fragment.start, at)
      if (order < 0) made.push({ ...fragment, end: at })
      else if (order > 0) made.push({ start: at, end: fragment.start, sequences: [sequence] })
      const isSplit = compareEnds(fragment.end, end) > 0
      made.push({
        start: order > 0 ? fragment.start : at,
        end: isSplit ? end : fragment.end,
        sequences: withSequence(fragment.sequences, sequence, separates)
      })
      if (isSplit) made.push({ ...fragment, start: end! })
      at = isSplit || compareEnds(fragment.end, end) === 0 ? undefined : fragment.end
    }
    if (at !== undefined) made.push({ start: at, end, sequences: [sequence] })
    // A neighbour may have the same deletions now.
    const first = made.list[0]!
    const placeBefore = fragments.before(from)
    const before = placeBefore && fragments.at(placeBefore)
    if (before !== undefined && canJoin(before, first)) {
      made.list[0] = { ...first, start: before.start }
      from = placeBefore!
    }
    const after = fragments.at(to)
    const last = made.list.at(-1)!
    if (after !== undefined && canJoin(last, after)) {
      made.list[made.list.length - 1] = { ...last, end: after.end }
      to = fragments.next(to)
    }
    this.fragments = fragments.replace(from, to, made.list)
  }

  /** The newest deletion of a key `bytes[from, to)` at or before `sequence`; 0 if there is none. */
  newest(bytes: Uint8Array, from: number, to: number, sequence: number): number {
    const fragment = this.fragments.holding(bytes, from, to)
    return fragment === undefined ? 0 : newestOf(fragment, sequence)
  }

  /** The oldest deletion of a key after `sequence`; infinite if there is none. */
  oldestAfter(bytes: Uint8Array, from: number, to: number, sequence: number): number {
    const fragment = this.fragments.holding(bytes, from, to)
    return fragment?.sequences.find((one) => one > sequence) ?? Number.POSITIVE_INFINITY
  }

  /** Whether any key of a closed range has a deletion whose number passes a test. */
  holdsIn({ largestKey, smallestKey }: Bounds, passes: (sequence: number) => boolean): boolean {
    const { fragments } = this
    let place = fragments.firstEndingAbove(smallestKey, 0, smallestKey.length)
    for (let fragment = fragments.at(place); fragment !== undefined; fragment = fragments.at(place)) {
      if (compare(fragment.start, largestKey) > 0) return false
      if (fragment.sequences.some(passes)) return true
      place = fragments.next(place)
    }
    return false
  }

  /** Whether later deletions cover every key of a range, and no reader needs the one beside them. */
  supersedes({ start, end, sequence }: RangeDeletion, separates: Separates): boolean {
    const { fragments } = this
    let at: Uint8Array | undefined = start
    let place = fragments.firstEndingAbove(start, 0, start.length)
    for (let fragment = fragments.at(place); fragment !== undefined; fragment = fragments.at(place)) {
      if (compare(fragment.start, at) > 0) return false
      const later = fragment.sequences.find((one) => one > sequence)
      if (later === undefined || separates(sequence, later)) return false
      at = fragment.end
      if (at === undefined || (end !== undefined && compare(at, end) >= 0)) return true
      place = fragments.next(place)
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

/** Adds a sequence number, and drops a neighbour if no reader needs both. */
const withSequence = (
  sequences: ReadonlyArray<number>,
  sequence: number,
  separates: Separates
): ReadonlyArray<number> => {
  let at = sequences.length
  while (at > 0 && sequences[at - 1]! >= sequence) at--
  if (sequences[at] === sequence) return sequences
  const next = sequences[at]
  const isNeeded = next === undefined || separates(sequence, next)
  const before = sequences[at - 1]
  const isBeforeNeeded = before === undefined || separates(before, isNeeded ? sequence : next!)
  return [...sequences.slice(0, isBeforeNeeded ? at : at - 1), ...(isNeeded ? [sequence] : []), ...sequences.slice(at)]
}

/** The newest deletion of a fragment at or before `sequence`; 0 if there is none. */
export const newestOf = ({ sequences }: Fragment, sequence: number): number => {
  for (let i = sequences.length - 1; i >= 0; i--) if (sequences[i]! <= sequence) return sequences[i]!
  return 0
}
