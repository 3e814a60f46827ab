import { firstLine, lineBytes } from "./cacheLines.js"

const slotWords = 2
export const indexSlotBytes = slotWords * 4
/** Slots of a line. */
const ways = lineBytes / indexSlotBytes
/** A key's own line and its neighbour. */
const places = 2 * ways
/** The fewest slots of an index: a line and its neighbour. */
export const fewestSlots = places

/**
 * Maps the hashes of keys to the positions of entries. A slot holds a tag and a position. The slots
 * of a key are those of a cache line, and of the neighbouring line if its own is full. If both are
 * full, a slot is reused, so its old entry is no longer found.
 *
 * The slots of a key are numbered from 0 to 15. A key is looked for from one number to the next:
 *
 * ```ts
 * const line = index.lineOf(hash1)
 * for (let i = index.next(line, 0, tag); i >= 0; i = index.next(line, i + 1, tag)) index.positionAt(line, i)
 * ```
 */
export class EntryIndex {
  readonly slots: number
  private readonly words: Uint32Array
  /** What a hash is multiplied by to get the number of a line. */
  private readonly scale: number
  private turn = 0

  /** @param wanted how many slots it has at least */
  constructor(wanted: number) {
    this.slots = slotsFor(wanted)
    const bytes = this.slots * indexSlotBytes
    const first = firstLine(bytes)
    this.words = new Uint32Array(new ArrayBuffer(first + bytes), first)
    this.scale = this.slots / ways / 2 ** 32
  }

  /** The tag of a key. A free slot has the tag 0. */
  tagOf(hash2: number): number {
    return (hash2 | 1) >>> 0
  }

  lineOf(hash1: number): number {
    return Math.floor(hash1 * this.scale)
  }

  /** The first number at or after `from` whose slot has the tag; -1 if there is none. */
  next(line: number, from: number, tag: number): number {
    const { words } = this
    for (let i = from; i < places; i++) if (words[wordOf(line, i)] === tag) return i
    return -1
  }

  positionAt(line: number, i: number): number {
    return this.words[wordOf(line, i) + 1]!
  }

  add(line: number, tag: number, position: number): void {
    const { words } = this
    let free = this.next(line, 0, 0)
    if (free < 0) {
      this.turn = (this.turn + 1) & (ways - 1)
      free = this.turn
    }
    const word = wordOf(line, free)
    words[word] = tag
    words[word + 1] = position
  }

  /** The number of the slot that points to `position`; -1 if the slot was reused. */
  numberOf(line: number, position: number): number {
    const { words } = this
    for (let i = 0; i < places; i++) {
      const word = wordOf(line, i)
      if (words[word + 1] === position && words[word] !== 0) return i
    }
    return -1
  }

  move(line: number, i: number, position: number): void {
    this.words[wordOf(line, i) + 1] = position
  }

  remove(line: number, i: number): void {
    this.words[wordOf(line, i)] = 0
  }
}

/** The number of slots of an index that is to have so many. The neighbour of each line is a line. */
export const slotsFor = (wanted: number): number => Math.max(1, Math.ceil(wanted / fewestSlots)) * fewestSlots

const wordOf = (line: number, i: number): number => ((line ^ (i >>> 3)) * ways + (i & (ways - 1))) * slotWords
