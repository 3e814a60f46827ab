import { compareRange } from "../bytes/bytes.js"
import { isAbove } from "./rangeDeletion.js"

/** A stretch of keys [start, end) that the same range deletions cover. It never changes. */
export interface Fragment {
  readonly start: Uint8Array
  /** Undefined if it has no end. */
  readonly end: Uint8Array | undefined
  /** The sequence numbers of the range deletions, ascending. There is at least one. */
  readonly sequences: ReadonlyArray<number>
}

/** A chunk is divided when it has more fragments than this. */
const mostInChunk = 256

/**
 * Sorted and disjoint fragments, in chunks that never change. So a change costs the size of a chunk and
 * of the list of chunks, also after a copy was handed out.
 */
export class Fragments implements Iterable<Fragment> {
  private constructor(private readonly chunks: ReadonlyArray<ReadonlyArray<Fragment>>) {}

  static readonly empty = new Fragments([])

  get isEmpty(): boolean {
    return this.chunks.length === 0
  }

  *[Symbol.iterator](): Iterator<Fragment> {
    for (const chunk of this.chunks) yield* chunk
  }

  /** The place of the first fragment whose end is above a key. It may be behind the last one. */
  firstEndingAbove(bytes: Uint8Array, from: number, to: number): Place {
    const { chunks } = this
    const chunk = lowest(chunks.length, (i) => isAbove(chunks[i]!.at(-1)!.end, bytes, from, to))
    const fragments = chunks[chunk]
    if (fragments === undefined) return { chunk, index: 0 }
    return { chunk, index: lowest(fragments.length, (i) => isAbove(fragments[i]!.end, bytes, from, to)) }
  }

  /** The fragment that holds a key. */
  holding(bytes: Uint8Array, from: number, to: number): Fragment | undefined {
    const fragment = this.at(this.firstEndingAbove(bytes, from, to))
    return fragment === undefined || compareRange(fragment.start, 0, fragment.start.length, bytes, from, to) > 0
      ? undefined
      : fragment
  }

  at({ chunk, index }: Place): Fragment | undefined {
    return this.chunks[chunk]?.[index]
  }

  /** The place after one that has a fragment. */
  next({ chunk, index }: Place): Place {
    return index + 1 < this.chunks[chunk]!.length ? { chunk, index: index + 1 } : { chunk: chunk + 1, index: 0 }
  }

  before({ chunk, index }: Place): Place | undefined {
    if (index > 0) return { chunk, index: index - 1 }
    return chunk > 0 ? { chunk: chunk - 1, index: this.chunks[chunk - 1]!.length - 1 } : undefined
  }

  /** With `inserted` instead of the fragments from one place to before another. */
  replace(from: Place, to: Place, inserted: ReadonlyArray<Fragment>): Fragments {
    const { chunks } = this
    let changed = [
      ...(chunks[from.chunk]?.slice(0, from.index) ?? []),
      ...inserted,
      ...(chunks[to.chunk]?.slice(to.index) ?? [])
    ]
    let first = from.chunk
    // Otherwise what is added at the end would be a chunk of its own.
    const before = chunks[first - 1]
    if (before !== undefined && before.length + changed.length <= mostInChunk) {
      changed = [...before, ...changed]
      first--
    }
    const pieces: Array<ReadonlyArray<Fragment>> = []
    const count = Math.ceil(changed.length / mostInChunk)
    const length = Math.ceil(changed.length / Math.max(1, count))
    for (let at = 0; at < changed.length; at += length) pieces.push(changed.slice(at, at + length))
    return new Fragments([...chunks.slice(0, first), ...pieces, ...chunks.slice(to.chunk + 1)])
  }
}

/** A place among fragments. */
export interface Place {
  readonly chunk: number
  readonly index: number
}

/** The lowest number below `end` for which something holds that holds for all above it; or `end`. */
const lowest = (end: number, holds: (i: number) => boolean): number => {
  let low = 0
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}
