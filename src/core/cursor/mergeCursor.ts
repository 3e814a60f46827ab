import { compareRange } from "../bytes/bytes.js"
import type { InternalCursor } from "./internalCursor.js"

/** Orders by key, and versions of one key from the newest to the oldest. */
const compareCursors = (a: InternalCursor, b: InternalCursor): number => {
  const order = compareRange(a.keyBytes, a.keyStart, a.keyEnd, b.keyBytes, b.keyStart, b.keyEnd)
  return order !== 0 ? order : b.sequence - a.sequence
}

/**
 * Merges several cursors with a binary heap of those that are valid. Going backward, the order of
 * the heap is reversed. A change of direction repositions every cursor next to the current entry.
 */
export class MergeCursor implements InternalCursor {
  private readonly heap: Array<InternalCursor> = []
  private direction = 1
  private top: InternalCursor

  constructor(private readonly cursors: ReadonlyArray<InternalCursor>) {
    this.top = cursors[0]!
  }

  get valid(): boolean {
    return this.heap.length > 0
  }
  get keyBytes(): Uint8Array {
    return this.top.keyBytes
  }
  get keyStart(): number {
    return this.top.keyStart
  }
  get keyEnd(): number {
    return this.top.keyEnd
  }
  get valueBytes(): Uint8Array {
    return this.top.valueBytes
  }
  get valueStart(): number {
    return this.top.valueStart
  }
  get valueEnd(): number {
    return this.top.valueEnd
  }
  get valueIsOwn(): boolean {
    return this.top.valueIsOwn
  }
  get sequence(): number {
    return this.top.sequence
  }
  get kind(): number {
    return this.top.kind
  }

  seekToFirst(): void {
    for (const cursor of this.cursors) cursor.seekToFirst()
    this.rebuild(1)
  }

  seekToLast(): void {
    for (const cursor of this.cursors) cursor.seekToLast()
    this.rebuild(-1)
  }

  seek(key: Uint8Array, length: number): void {
    for (const cursor of this.cursors) cursor.seek(key, length)
    this.rebuild(1)
  }

  next(): void {
    if (this.direction < 0) this.turn(1)
    this.top.next()
    this.settle()
  }

  prev(): void {
    if (this.direction > 0) this.turn(-1)
    this.top.prev()
    this.settle()
  }

  /**
   * Repositions every other cursor to its first entry beyond the current one in the new direction.
   */
  private turn(direction: 1 | -1): void {
    const current = this.top
    const key = current.keyBytes.slice(current.keyStart, current.keyEnd)
    const { sequence } = current
    for (const cursor of this.cursors) {
      if (cursor === current) continue
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
    for (const cursor of this.cursors) if (cursor.valid) heap.push(cursor)
    for (let i = (heap.length >>> 1) - 1; i >= 0; i--) this.siftDown(i)
    if (heap.length > 0) this.top = heap[0]!
  }

  private settle(): void {
    const { heap } = this
    if (!this.top.valid) {
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
    const cursor = heap[at]!
    for (;;) {
      let child = at * 2 + 1
      if (child >= size) break
      if (child + 1 < size && compareCursors(heap[child + 1]!, heap[child]!) * direction < 0) child++
      if (compareCursors(heap[child]!, cursor) * direction >= 0) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = cursor
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
  seekToFirst: () => undefined,
  seekToLast: () => undefined,
  seek: () => undefined,
  next: () => undefined,
  prev: () => undefined
}
