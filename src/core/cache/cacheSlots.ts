/** An owner of blocks in the cache. `slots` holds the place of each of its blocks, or `absent`. */
export interface BlockOwner {
  readonly slots: Int32Array
}

/** The place of a block that is not cached. */
export const absent = -1

/**
 * Numbered slots, each for one block of one owner. CLOCK (second chance) chooses the slot to evict,
 * so a hit only sets one byte.
 */
export class CacheSlots {
  private owners: Array<BlockOwner | undefined> = []
  private indexes: Array<number> = []
  private free: Array<number> = []
  private referenced = new Uint8Array(64)
  private hand = 0
  taken = 0

  /** `placeOf` converts a slot to the place that the owner keeps. */
  constructor(private readonly placeOf: (slot: number) => number) {}

  get hasFree(): boolean {
    return this.free.length > 0
  }

  get freeSlots(): number {
    return this.free.length
  }

  touch(slot: number): void {
    this.referenced[slot] = 1
  }

  /** Adds `count` free slots at the end. */
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

  /** Removes the last `count` slots. Calls `giveUp` for each that is taken. */
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

  /** Returns the slot to evict. At least one must be taken. */
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
