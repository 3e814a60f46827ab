import { allocationHeader } from "./cacheLines.js"
import { absent, type BlockOwner, CacheSlots } from "./cacheSlots.js"

/** Packed blocks per chunk (one buffer), or fewer if that would be more than `chunkBytes`. */
const chunkBlocks = 64
const chunkBytes = 1024 * 1024
const smallestUnit = 256
const largestUnit = 64 * 1024
const page = 4096
/**
 * The sizes of buffers for larger blocks are multiples of this, so that the next block can often
 * reuse the buffer.
 */
const looseUnit = 512
/** Bytes that a cached block costs in addition to its content. */
const slotOverhead = 32
const looseOverhead = 128

/**
 * A cache of blocks with a budget in bytes, shared by all tables of a store. An owner finds its
 * block by an array access, so a hit needs no hashing.
 *
 * Blocks of up to `unit` bytes are packed: they are copied into slots of equal size in large
 * buffers. A lookup then touches one page of memory and no object per block. Larger ("loose")
 * blocks are copied into buffers of their own, and reuse the buffer of an evicted block if it has
 * the same size. A kind takes memory from the other if that holds more of the budget, by more than a
 * chunk or two. Otherwise it evicts one of its own blocks.
 *
 * The bytes that `get` and `find` find are valid until the next `put` or `add`. The bytes that `copy` finds are valid
 * as long as `target` is not changed.
 */
export class BlockCache {
  /** The place of the last block that was found. */
  bytes: Uint8Array = nothing
  start = 0
  end = 0
  /** Bytes held now. */
  used = 0
  hits = 0
  misses = 0
  evictions = 0

  /** Bytes of the largest block that is packed. */
  readonly unit: number
  private readonly shift: number
  private readonly chunkCost: number
  private readonly firstSlot: number
  private readonly chunks: Array<Uint8Array> = []
  private lengths = new Int32Array(64)
  private readonly packed = new CacheSlots((slot) => slot)
  private readonly loose = new CacheSlots((slot) => -2 - slot)
  private readonly looseBuffers: Array<Uint8Array> = []
  private readonly looseLengths: Array<number> = []
  private looseBytes = 0

  /**
   * `claimed` returns the bytes of the budget that others have claimed. Call `shrink` when it has
   * grown. `onGrowth` is called whenever `used` has grown, and `onMiss` before a block that was
   * missed is added. `expected` returns what others are about to claim, and `guarded` the bytes of
   * loose blocks that packed ones do not evict.
   */
  constructor(
    private readonly total: number,
    blockSize: number,
    private readonly claimed: () => number = () => 0,
    private readonly onGrowth: () => void = () => {},
    private readonly onMiss: () => void = () => {},
    private readonly expected: () => number = () => 0,
    private readonly guarded: () => number = () => 0
  ) {
    this.unit = Math.min(largestUnit, Math.max(smallestUnit, Math.ceil(blockSize / 64) * 64))
    const largest = Math.min(chunkBlocks * this.unit, chunkBytes, total / 4)
    let shift = 0
    while (this.unit << (shift + 1) <= largest) shift++
    this.shift = shift
    // After the header of the allocation, at the next page: a block of one page then spans no two.
    this.firstSlot = this.unit % page === 0 && shift >= 4 ? page - allocationHeader : 0
    this.chunkCost = this.firstSlot + (this.unit + slotOverhead) * this.slotsPerChunk
  }

  /** The same as `find`, and counts a hit. */
  get(owner: BlockOwner, index: number): boolean {
    const isThere = this.find(owner, index)
    if (isThere) this.hits++
    return isThere
  }

  /** Returns true if the block is cached. `bytes[start, end)` then is the block. */
  find(owner: BlockOwner, index: number): boolean {
    const slot = owner.slots[index]!
    if (slot === absent) return false
    if (slot >= 0) {
      this.packed.touch(slot)
      this.bytes = this.chunks[slot >>> this.shift]!
      this.start = this.startOf(slot)
      this.end = this.start + this.lengths[slot]!
    } else {
      this.loose.touch(-2 - slot)
      this.bytes = this.looseBuffers[-2 - slot]!
      this.start = 0
      this.end = this.looseLengths[-2 - slot]!
    }
    return true
  }

  /**
   * The same for callers that keep the block: copies it to `target`, which must have room for it.
   */
  copy(owner: BlockOwner, index: number, target: Uint8Array): boolean {
    if (!this.get(owner, index)) return false
    const { bytes, start, end } = this
    target.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start))
    this.bytes = target
    this.start = 0
    this.end = end - start
    return true
  }

  /** The length of the block in a slot. */
  lengthOf(slot: number): number {
    return slot >= 0 ? this.lengths[slot]! : this.looseLengths[-2 - slot]!
  }

  /**
   * Whether so many packed blocks can be added and nothing need be evicted for them, also when
   * others have claimed what they are expected to.
   */
  hasRoom(blocks: number): boolean {
    const budget = Math.min(this.budget, this.total - this.expected())
    if (this.packed.freeSlots >= blocks) return this.used <= budget
    return blocks <= this.slotsPerChunk && this.used + this.chunkCost <= budget
  }

  /** Bytes of memory that a packed block takes. */
  get slotBytes(): number {
    return this.chunkCost / this.slotsPerChunk
  }

  /** The same as `add`, for a block that was missed, and counts the miss. */
  put(owner: BlockOwner, index: number, block: Uint8Array): void {
    this.countMiss()
    this.add(owner, index, block)
  }

  /** Counts a miss of a block that is added in another way. */
  countMiss(): void {
    this.misses++
    this.onMiss()
  }

  /** Adds a copy of a block. A block larger than the whole budget is not kept. */
  add(owner: BlockOwner, index: number, block: Uint8Array): void {
    if (owner.slots[index] !== absent) return
    if (block.length > this.unit) this.putLoose(owner, index, block)
    else if (this.chunkCost <= this.budget) this.putPacked(owner, index, block)
  }

  /** Drops blocks until the cache is within its budget again. */
  shrink(): void {
    while (this.used > this.budget && this.used > 0) {
      if (this.looseBytes * 2 > this.used) this.evictLoose()
      else this.dropChunk()
    }
  }

  /** Drops every block of an owner. */
  forget(owner: BlockOwner): void {
    for (let index = 0; index < owner.slots.length; index++) this.drop(owner, index)
  }

  /** Drops a block, if it is cached. */
  drop(owner: BlockOwner, index: number): void {
    const slot = owner.slots[index]!
    if (slot >= 0) this.packed.release(slot)
    else if (slot !== absent) this.dropLoose(-2 - slot)
  }

  /** Without it, two kinds of equal size would take a chunk from each other in turn. */
  private get slack(): number {
    return 2 * this.chunkCost
  }

  /** Whether a packed block may evict a loose one. */
  private get mayTakeLoose(): boolean {
    const { looseBytes } = this
    return looseBytes > this.used - looseBytes + this.slack && looseBytes > this.guarded()
  }

  private get budget(): number {
    return this.total - this.claimed()
  }

  private get slotsPerChunk(): number {
    return 1 << this.shift
  }

  private startOf(slot: number): number {
    return this.firstSlot + (slot & (this.slotsPerChunk - 1)) * this.unit
  }

  private putPacked(owner: BlockOwner, index: number, block: Uint8Array): void {
    while (!this.packed.hasFree) {
      if (this.used + this.chunkCost <= this.budget) this.addChunk()
      else if (this.mayTakeLoose || this.packed.taken === 0) this.evictLoose()
      else {
        this.packed.release(this.packed.victim())
        this.evictions++
      }
    }
    const slot = this.packed.take(owner, index)
    this.chunks[slot >>> this.shift]!.set(block, this.startOf(slot))
    this.lengths[slot] = block.length
  }

  private putLoose(owner: BlockOwner, index: number, block: Uint8Array): void {
    const capacity = Math.ceil(block.length / looseUnit) * looseUnit
    const cost = capacity + looseOverhead
    if (cost > this.budget) return
    let buffer: Uint8Array | undefined
    while (this.used + cost > this.budget) {
      const packedBytes = this.used - this.looseBytes
      const mayTake = packedBytes > this.looseBytes + this.slack || this.looseBytes < this.guarded()
      if (packedBytes > 0 && (mayTake || this.looseBytes === 0)) this.dropChunk()
      else buffer = this.evictLoose()
    }
    if (buffer?.length !== capacity) buffer = new Uint8Array(capacity)
    if (!this.loose.hasFree) this.loose.grow(1)
    const slot = this.loose.take(owner, index)
    buffer.set(block)
    this.looseBuffers[slot] = buffer
    this.looseLengths[slot] = block.length
    this.looseBytes += cost
    this.used += cost
    this.onGrowth()
  }

  private addChunk(): void {
    this.chunks.push(new Uint8Array(this.firstSlot + this.unit * this.slotsPerChunk))
    this.packed.grow(this.slotsPerChunk)
    const slots = this.chunks.length * this.slotsPerChunk
    if (slots > this.lengths.length) {
      const larger = new Int32Array(Math.max(slots, this.lengths.length * 2))
      larger.set(this.lengths)
      this.lengths = larger
    }
    this.used += this.chunkCost
    this.onGrowth()
  }

  private dropChunk(): void {
    this.chunks.pop()
    this.packed.shrink(this.slotsPerChunk, (slot) => {
      this.packed.release(slot)
      this.evictions++
    })
    this.used -= this.chunkCost
  }

  private evictLoose(): Uint8Array {
    this.evictions++
    return this.dropLoose(this.loose.victim())
  }

  /** Returns the block's buffer, for reuse. */
  private dropLoose(slot: number): Uint8Array {
    const buffer = this.looseBuffers[slot]!
    const cost = buffer.length + looseOverhead
    this.looseBuffers[slot] = nothing
    this.loose.release(slot)
    this.looseBytes -= cost
    this.used -= cost
    return buffer
  }
}

const nothing = new Uint8Array(0)
