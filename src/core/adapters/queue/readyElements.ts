/** An element at its place in a queue. */
export interface Placed {
  readonly sequence: number
  readonly bytes: Uint8Array
}

/** Sequence numbers from `from` (inclusive) to `to` (exclusive). */
export interface Sequences {
  readonly from: number
  readonly to: number
}

/** At most so many elements are held that were offered and not read. */
const mostHeld = 1024

/**
 * What the memory knows of the elements of a queue that can be taken: the next sequence number, how far
 * the queue was read, and the elements that were read and not taken. An element that was taken is
 * nowhere here, and stays in the store until it is completed: who opens the queue anew finds it.
 *
 * Elements are read in order and up to the first offer that has not ended, because what stands behind it
 * may be visible before it.
 */
export class ReadyElements {
  /** Elements before this one were read. What was removed behind it is never read again. */
  private head = 0
  private next = 0
  private readonly unsettled = new Set<number>()
  private held: Array<Placed> = []
  /** The index of the first of them: to shift an array takes longer. */
  private first = 0
  /** Elements that were taken and given back, in order. They come before those that are held. */
  private released: Array<Placed> = []

  /** Begins behind the last element that is stored. */
  begin(last: number | undefined): void {
    this.next = last === undefined ? 0 : last + 1
  }

  /** The sequence number of an element that is about to be written. */
  place(): number {
    const sequence = this.next++
    this.unsettled.add(sequence)
    return sequence
  }

  /** The write of an element has ended. `bytes` is undefined if it is not known to be there. */
  settle(sequence: number, bytes: Uint8Array | undefined): void {
    this.unsettled.delete(sequence)
    if (bytes === undefined || sequence !== this.head || this.held.length - this.first >= mostHeld) return
    this.held.push({ sequence, bytes })
    this.head = sequence + 1
  }

  /** Takes the first element that is in memory. */
  claim(): Placed | undefined {
    const given = this.released.shift()
    if (given !== undefined) return given
    const element = this.held[this.first]
    if (element === undefined) return undefined
    this.first++
    if (this.first === this.held.length) {
      this.held = []
      this.first = 0
    }
    return element
  }

  /** Gives an element back, to its place. */
  release(element: Placed): void {
    const { released } = this
    const at = released.findIndex(({ sequence }) => sequence > element.sequence)
    released.splice(at < 0 ? released.length : at, 0, element)
  }

  /** Whether `claim` would return an element. */
  get hasElement(): boolean {
    return this.released.length > 0 || this.first < this.held.length
  }

  /** What can be read now. Undefined if there is nothing. */
  get unread(): Sequences | undefined {
    const [unsettled] = this.unsettled
    const to = unsettled ?? this.next
    return this.head < to ? { from: this.head, to } : undefined
  }

  /** The first elements of `unread` were read; all of them if `isAll`. */
  read(elements: ReadonlyArray<Placed>, { to }: Sequences, isAll: boolean): void {
    this.held.push(...elements)
    const last = elements.at(-1)
    this.head = isAll || last === undefined ? to : last.sequence + 1
  }
}
