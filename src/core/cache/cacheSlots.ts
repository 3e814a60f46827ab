/** Whoever has blocks in the cache: for each of its blocks where it sits, or `absent`. */
export interface BlockOwner {
  readonly slots: Int32Array
}

/** In place of a slot: the block is not cached. */
export const absent = -1

/**
 * Numbered slots, each with one block of one owner, and which of them is to be given up next: CLOCK (second chance),
 * for which a hit sets one byte.
 */
export class CacheSlots {
  private owners: Array<BlockOwner | undefined> = []
  private indexes: Array<number> = []
  private free: Array<number> = []
  private referenced = new Uint8Array(64)
  private hand = 0
  taken = 0

  /** `placeOf` is what an owner keeps of a slot. */
  constructor(private readonly placeOf: (slot: number) => number) {}

  get hasFree(): boolean {
    return this.free.length > 0
  }

  touch(slot: number): void {
    this.referenced[slot] = 1
  }

  /** Adds so many free slots behind those there are. */
  grow(count: number): void {
    const length = this.owners.length + count
    if (length > this.referenced.length) {
      const larger = new Uint8Array(Math.max(length, this.referenced.length * 2))
      larger.set(this.referenced)
      this.referenced = larger
    }
    for (let slot = length - 1; slot >= length - count; slot--) this.free.push(slot)
    for (let i = 0; i < count; i++) {
      this.owners.push(undefined)
      this.indexes.push(0)
    }
  }

  /** Removes the last slots; `giveUp` is called for each that is taken. */
  shrink(count: number, giveUp: (slot: number) => void): void {
    const length = this.owners.length - count
    for (let slot = length; slot < this.owners.length; slot++) if (this.owners[slot] !== undefined) giveUp(slot)
    this.free = this.free.filter((slot) => slot < length)
    this.owners.length = length
    this.indexes.length = length
  }

  take(owner: BlockOwner, index: number): number {
    const slot = this.free.pop()!
    this.owners[slot] = owner
    this.indexes[slot] = index
    this.referenced[slot] = 0
    owner.slots[index] = this.placeOf(slot)
    this.taken++
    return slot
  }

  release(slot: number): void {
    this.owners[slot]!.slots[this.indexes[slot]!] = absent
    this.owners[slot] = undefined
    this.free.push(slot)
    this.taken--
  }

  /** The slot to give up; at least one must be taken. */
  victim(): number {
    for (;;) {
      if (this.hand >= this.owners.length) this.hand = 0
      const slot = this.hand++
      if (this.owners[slot] === undefined) continue
      if (this.referenced[slot] === 0) return slot
      this.referenced[slot] = 0
    }
  }
}
