import { compareRange, prefixWord } from "../bytes/bytes.js"
import type { InternalCursor } from "./internalCursor.js"

/** A cursor of a merge, with the first four bytes of its current key. */
interface Source {
  readonly cursor: InternalCursor
  /** The innermost cursor at the current entry. */
  entry: InternalCursor
  word: number
}

/** Orders by key, and versions of one key from the newest to the oldest. */
const compareSources = (a: Source, b: Source): number => {
  if (a.word !== b.word) return a.word - b.word
  const [x, y] = [a.entry, b.entry]
  const order = compareRange(x.keyBytes, x.keyStart, x.keyEnd, y.keyBytes, y.keyStart, y.keyEnd)
  return order !== 0 ? order : y.sequence - x.sequence
}

/** Takes over the current entry of the source's cursor, which must be valid. */
const update = (source: Source): void => {
  const { entry } = source.cursor
  source.entry = entry
  source.word = prefixWord(entry.keyBytes, entry.keyStart, entry.keyEnd)
}

/**
 * Merges several cursors with a binary heap of those that are valid. Going backward, the order of
 * the heap is reversed. A change of direction repositions every cursor next to the current entry.
 */
export class MergeCursor implements InternalCursor {
  private readonly sources: ReadonlyArray<Source>
  private readonly heap: Array<Source> = []
  private direction = 1
  private top: Source

  constructor(cursors: ReadonlyArray<InternalCursor>) {
    this.sources = cursors.map((cursor) => ({ cursor, entry: cursor, word: 0 }))
    this.top = this.sources[0]!
  }

  get valid(): boolean {
    return this.heap.length > 0
  }
  get keyBytes(): Uint8Array {
    return this.top.entry.keyBytes
  }
  get keyStart(): number {
    return this.top.entry.keyStart
  }
  get keyEnd(): number {
    return this.top.entry.keyEnd
  }
  get valueBytes(): Uint8Array {
    return this.top.entry.valueBytes
  }
  get valueStart(): number {
    return this.top.entry.valueStart
  }
  get valueEnd(): number {
    return this.top.entry.valueEnd
  }
  get valueIsOwn(): boolean {
    return this.top.entry.valueIsOwn
  }
  get sequence(): number {
    return this.top.entry.sequence
  }
  get kind(): number {
    return this.top.entry.kind
  }

  get entry(): InternalCursor {
    return this.top.entry
  }

  seekToFirst(): void {
    for (const { cursor } of this.sources) cursor.seekToFirst()
    this.rebuild(1)
  }

  seekToLast(): void {
    for (const { cursor } of this.sources) cursor.seekToLast()
    this.rebuild(-1)
  }

  seek(key: Uint8Array, length: number): void {
    for (const { cursor } of this.sources) cursor.seek(key, length)
    this.rebuild(1)
  }

  next(): void {
    if (this.direction < 0) this.turn(1)
    this.top.cursor.next()
    this.settle()
  }

  prev(): void {
    if (this.direction > 0) this.turn(-1)
    this.top.cursor.prev()
    this.settle()
  }

  /**
   * Repositions every other cursor to its first entry beyond the current one in the new direction.
   */
  private turn(direction: 1 | -1): void {
    const current = this.top
    const { entry } = current
    const key = entry.keyBytes.slice(entry.keyStart, entry.keyEnd)
    const { sequence } = entry
    for (const { cursor } of this.sources) {
      if (cursor === current.cursor) continue
      cursor.seek(key, key.length)
      while (cursor.valid && isBefore(cursor, key, sequence)) cursor.next()
      if (direction < 0) {
        if (cursor.valid) cursor.prev()
        else cursor.seekToLast()
      }
    }
    this.rebuild(direction)
    this.top = current
    const at = this.heap.indexOf(current)
    // The current entry must be first in the heap. Only an equal entry of another source can
    // precede it.
    if (at > 0) {
      this.heap[at] = this.heap[0]!
      this.heap[0] = current
    }
  }

  private rebuild(direction: 1 | -1): void {
    this.direction = direction
    const { heap } = this
    heap.length = 0
    for (const source of this.sources) {
      if (!source.cursor.valid) continue
      update(source)
      heap.push(source)
    }
    for (let i = (heap.length >>> 1) - 1; i >= 0; i--) this.siftDown(i)
    if (heap.length > 0) this.top = heap[0]!
  }

  private settle(): void {
    const { heap } = this
    if (this.top.cursor.valid) update(this.top)
    else {
      const last = heap.pop()!
      if (heap.length === 0) return
      if (last !== this.top) heap[0] = last
    }
    this.siftDown(0)
    this.top = heap[0]!
  }

  private siftDown(at: number): void {
    const { heap, direction } = this
    const size = heap.length
    const source = heap[at]!
    for (;;) {
      let child = at * 2 + 1
      if (child >= size) break
      if (child + 1 < size && compareSources(heap[child + 1]!, heap[child]!) * direction < 0) child++
      if (compareSources(heap[child]!, source) * direction >= 0) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = source
  }
}

/** Whether the cursor is before the entry (key, sequence) in merge order. */
const isBefore = (cursor: InternalCursor, key: Uint8Array, sequence: number): boolean => {
  const order = compareRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd, key, 0, key.length)
  return order < 0 || (order === 0 && cursor.sequence > sequence)
}

/** One cursor over all of `cursors`. */
export const mergeCursors = (cursors: ReadonlyArray<InternalCursor>): InternalCursor =>
  cursors.length === 1 ? cursors[0]! : cursors.length === 0 ? emptyCursor : new MergeCursor(cursors)

const nothing = new Uint8Array(0)

/** A cursor over no entries. */
export const emptyCursor: InternalCursor = {
  valid: false,
  keyBytes: nothing,
  keyStart: 0,
  keyEnd: 0,
  valueBytes: nothing,
  valueStart: 0,
  valueEnd: 0,
  valueIsOwn: false,
  sequence: 0,
  kind: 0,
  get entry() {
    return this
  },
  seekToFirst: () => undefined,
  seekToLast: () => undefined,
  seek: () => undefined,
  next: () => undefined,
  prev: () => undefined
}
