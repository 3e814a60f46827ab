/** What is known of a cache: how often it was of use, and how much memory it holds. */
export interface CacheUse {
  readonly hits: number
  readonly used: number
}

export interface EntryUse extends CacheUse {
  /** Frees what is beyond the share. */
  readonly giveBack: () => void
}

/** Lookups between two decisions. */
const period = 8192
/** If less than this part of what is counted are lookups, scans matter alone. */
const fewLookups = 8
/** The part of the budget by which the share moves at once. */
const step = 1 / 64
/** Within this factor, the two kinds are of equal use. */
const tolerance = 1.25
/** A hit of an entry saves the index, the filter and the search in a block too. */
const entryWorth = 2

/**
 * The part of a budget that single entries may take from blocks. It moves to the kind of which a byte
 * is of more use, counted by hits since the last decision: between `start` and `most` parts of the
 * budget while there are lookups, and down to `least` while there are only scans.
 *
 * Partitions of tables come first: a lookup that misses one reads and checks kilobytes.
 *
 * Gets of keys that are all over the store are best served from entries; scans and gets of
 * neighbours from blocks.
 */
export class CacheShare {
  private left = period
  private lookups = 0
  private entryHits = 0
  private blockHits = 0
  private bytes: number

  constructor(
    private readonly total: number,
    private readonly start: number,
    private readonly least: number,
    private readonly most: number,
    /** Returns the bytes that blocks need before entries may have more than the least part. */
    private readonly needed: () => number
  ) {
    this.bytes = Math.floor(total * start)
  }

  /** A share that does not move. */
  static fixed(bytes: number): CacheShare {
    const share = new CacheShare(0, 0, 0, 0, () => 0)
    share.bytes = bytes
    share.left = Number.POSITIVE_INFINITY
    return share
  }

  /** Bytes that entries may take from blocks. */
  get reserved(): number {
    return this.bytes
  }

  get mostReserved(): number {
    return Math.max(this.bytes, Math.floor(this.total * this.most))
  }

  /** Counts a lookup. From time to time, it moves the share. */
  countLookup(entries: EntryUse, blocks: CacheUse): void {
    this.lookups++
    this.countBlock(entries, blocks)
  }

  /** The same for a block that was missed. */
  countBlock(entries: EntryUse, blocks: CacheUse): void {
    if (--this.left > 0) return
    this.left = period
    this.move(entries, blocks)
    this.lookups = 0
  }

  private move(entries: EntryUse, blocks: CacheUse): void {
    const hasLookups = this.lookups * fewLookups >= period
    const ofEntries = worthOf(entries.hits - this.entryHits, entries.used) * entryWorth
    const ofBlocks = worthOf(blocks.hits - this.blockHits, blocks.used)
    this.entryHits = entries.hits
    this.blockHits = blocks.hits
    const { total, start, least, most, bytes } = this
    // Keys that are looked up for the first time hit blocks of their neighbours, but no entry: that
    // does not show that entries are of no use.
    const floor = total * (hasLookups ? start : least)
    const ceiling = Math.max(total * least, Math.min(total * most, total - this.needed()))
    let wanted = Math.max(bytes, floor)
    // Blocks that are read again and again, but never stay, have no hits.
    if (!hasLookups || ofBlocks > ofEntries * tolerance) wanted = Math.max(floor, wanted - total * step)
    else if (ofEntries > ofBlocks * tolerance) wanted += total * step
    this.bytes = Math.floor(Math.min(ceiling, wanted))
    if (this.bytes < bytes) entries.giveBack()
  }
}

const worthOf = (hits: number, used: number): number => hits / Math.max(1, used)
