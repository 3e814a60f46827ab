/** Slots per bucket. A bucket is half a cache line. */
const ways = 4
const slotWords = 2
const bucketWords = ways * slotWords
export const indexSlotBytes = slotWords * 4

/**
 * Maps the hashes of keys to the positions of entries: buckets of four slots, each with a tag and a
 * position. A full bucket reuses one of its slots, so that slot's old entry is no longer found.
 */
export class EntryIndex {
  private readonly words: Uint32Array
  private readonly mask: number
  private turn = 0

  /** @param slots a power of two, at least four */
  constructor(readonly slots: number) {
    this.words = new Uint32Array(slots * slotWords)
    this.mask = slots / ways - 1
  }

  /** The tag of a key. A free slot has the tag 0. */
  tagOf(hash2: number): number {
    return (hash2 | 1) >>> 0
  }

  /** Where the bucket of a key begins. */
  bucketOf(hash1: number): number {
    return (hash1 & this.mask) * bucketWords
  }

  /** The first slot of a bucket at or after `from` that has the tag; -1 if there is none. */
  next(bucket: number, from: number, tag: number): number {
    const { words } = this
    for (let slot = from; slot < bucket + bucketWords; slot += slotWords) if (words[slot] === tag) return slot
    return -1
  }

  positionAt(slot: number): number {
    return this.words[slot + 1]!
  }

  after(slot: number): number {
    return slot + slotWords
  }

  add(hash1: number, hash2: number, position: number): void {
    const { words } = this
    const bucket = this.bucketOf(hash1)
    let slot = bucket
    while (slot < bucket + bucketWords && words[slot] !== 0) slot += slotWords
    if (slot === bucket + bucketWords) {
      this.turn = (this.turn + 1) & (ways - 1)
      slot = bucket + this.turn * slotWords
    }
    words[slot] = this.tagOf(hash2)
    words[slot + 1] = position
  }

  /** The slot that points to `position`, for a key with that hash; -1 if the slot was reused. */
  slotOf(hash1: number, position: number): number {
    const { words } = this
    const bucket = this.bucketOf(hash1)
    for (let slot = bucket; slot < bucket + bucketWords; slot += slotWords) {
      if (words[slot + 1] === position && words[slot] !== 0) return slot
    }
    return -1
  }

  move(slot: number, position: number): void {
    this.words[slot + 1] = position
  }

  remove(slot: number): void {
    this.words[slot] = 0
  }
}
