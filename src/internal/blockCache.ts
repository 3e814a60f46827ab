/** Whoever has blocks in the cache: for each of its blocks the slot it sits in, or -1. */
export interface BlockOwner {
  readonly slots: Int32Array
}

/**
 * A cache of blocks with a budget in bytes, shared by all tables of a store. An owner finds its block by
 * an array access, so a hit costs no hashing. Eviction is CLOCK (second chance): a hit sets one bit.
 */
export class BlockCache {
  private blocks: Array<Uint8Array | undefined> = []
  private owners: Array<BlockOwner | undefined> = []
  private indexes: Array<number> = []
  private referenced: Array<boolean> = []
  private free: Array<number> = []
  private hand = 0
  /** Bytes held now. */
  used = 0
  hits = 0
  misses = 0
  evictions = 0

  constructor(readonly budget: number) {}

  get(owner: BlockOwner, index: number): Uint8Array | undefined {
    const slot = owner.slots[index]!
    if (slot < 0) {
      this.misses++
      return undefined
    }
    this.hits++
    this.referenced[slot] = true
    return this.blocks[slot]
  }

  /** Takes a block in; one larger than the whole budget is not kept. */
  put(owner: BlockOwner, index: number, block: Uint8Array): void {
    const cost = block.length + slotOverhead
    if (cost > this.budget || owner.slots[index]! >= 0) return
    while (this.used + cost > this.budget) this.evictOne()
    const slot = this.free.pop() ?? this.blocks.length
    this.blocks[slot] = block
    this.owners[slot] = owner
    this.indexes[slot] = index
    this.referenced[slot] = false
    owner.slots[index] = slot
    this.used += cost
  }

  /** Drops every block of an owner. */
  forget(owner: BlockOwner): void {
    const { slots } = owner
    for (let i = 0; i < slots.length; i++) if (slots[i]! >= 0) this.drop(slots[i]!)
  }

  private evictOne(): void {
    for (;;) {
      if (this.hand >= this.blocks.length) this.hand = 0
      const slot = this.hand++
      if (this.blocks[slot] === undefined) continue
      if (this.referenced[slot]) {
        this.referenced[slot] = false
        continue
      }
      this.drop(slot)
      this.evictions++
      return
    }
  }

  private drop(slot: number): void {
    this.used -= this.blocks[slot]!.length + slotOverhead
    this.owners[slot]!.slots[this.indexes[slot]!] = -1
    this.blocks[slot] = undefined
    this.owners[slot] = undefined
    this.free.push(slot)
  }
}

/** What a cached block costs beside its bytes: the typed array and its slot. */
const slotOverhead = 128
