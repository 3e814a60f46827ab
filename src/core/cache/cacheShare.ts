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
/** The parts of the budget that entries have at least, and at most, although all blocks would need them. */
const leastBesideAll = 1 / 32
const mostBesideAll = 1 / 8
/** Lookups after which some tables are open, so that it is known how large all blocks are. */
const firstPeriod = 64

/**
 * The part of a budget that single entries may take from blocks. It moves to the kind of which a byte
 * is of more use, counted by hits since the last decision: between `start` and `most` parts of the
 * budget while there are lookups, and down to `least` while there are only scans.
 *
 * Partitions of tables come first: a lookup that misses one reads and checks kilobytes. If there is
 * room for all entries beside them, entries get it. Otherwise, if there is room for all blocks,
 * blocks come first: an entry saves less than the system call of a block that it would replace.
 * Entries then begin with little and get more if they are of use.
 *
 * Gets of keys that are all over the store are best served from entries; scans and gets of
 * neighbours from blocks.
 */
export class CacheShare {
  private left = firstPeriod
  private isFirst = true
  private lookups = 0
  private entryHits = 0
  private blockHits = 0
  private bytes: number
  private awaited = 0

  constructor(
    private readonly total: number,
    private readonly start: number,
    private readonly least: number,
    private readonly most: number,
    /** Returns the bytes that blocks need before entries may have more than the least part. */
    private readonly needed: () => number,
    /** Returns the bytes of all blocks of the store, with the partitions. */
    private readonly whole: () => number = () => Number.POSITIVE_INFINITY,
    /** Returns the bytes of the entry cache with all entries of the store. */
    private readonly all: () => number = () => Number.POSITIVE_INFINITY
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
    return this.left === Number.POSITIVE_INFINITY ? this.bytes : Math.floor(this.bounds().ceiling)
  }

  /** Whether there is room for all entries of the store. */
  get isForAll(): boolean {
    return this.awaited > 0
  }

  /** Bytes that entries are expected to claim sooner or later. */
  get expected(): number {
    return this.awaited
  }

  /** Counts a lookup. From time to time, it moves the share. */
  countLookup(entries: EntryUse, blocks: CacheUse): void {
    this.lookups++
    this.countBlock(entries, blocks)
  }

  /** The same for a block that was missed. */
  countBlock(entries: EntryUse, blocks: CacheUse): void {
    if (--this.left > 0) return
    if (this.isFirst) return this.begin(entries)
    this.left = period
    this.move(entries, blocks)
    this.lookups = 0
  }

  /** Replaces the first share, which was chosen before any table was open. */
  private begin(entries: EntryUse): void {
    this.isFirst = false
    this.left = period - firstPeriod
    const { floor, ceiling } = this.bounds()
    if (floor !== this.total * this.start) this.change(floor, ceiling, entries)
  }

  /** What entries have at least while there are lookups, and at most. */
  private bounds(): { readonly floor: number; readonly ceiling: number } {
    const { total, start, least, most } = this
    const free = total - this.needed()
    const all = this.all()
    this.awaited = all > 0 && all <= free ? all : 0
    // They use no more than they need, and blocks what they leave.
    if (this.isForAll) return { floor: free, ceiling: free }
    const beside = total - this.whole()
    if (beside < 0) return { floor: total * start, ceiling: Math.max(total * least, Math.min(total * most, free)) }
    const floor = Math.max(total * leastBesideAll, beside)
    return { floor, ceiling: Math.min(total * most, Math.max(total * mostBesideAll, beside)) }
  }

  private move(entries: EntryUse, blocks: CacheUse): void {
    const hasLookups = this.lookups * fewLookups >= period
    const { total, least, bytes } = this
    const ofEntries = worthOf(entries.hits - this.entryHits, entries.used) * entryWorth
    const ofBlocks = worthOf(blocks.hits - this.blockHits, blocks.used)
    this.entryHits = entries.hits
    this.blockHits = blocks.hits
    const bounds = this.bounds()
    // Keys that are looked up for the first time hit blocks of their neighbours, but no entry: that
    // does not show that entries are of no use.
    const floor = hasLookups ? bounds.floor : Math.min(bounds.floor, total * least)
    let wanted = Math.max(bytes, floor)
    // Blocks that are read again and again, but never stay, have no hits.
    if (!hasLookups || ofBlocks > ofEntries * tolerance) wanted = Math.max(floor, wanted - total * step)
    else if (ofEntries > ofBlocks * tolerance) wanted += total * step
    this.change(wanted, bounds.ceiling, entries)
  }

  private change(wanted: number, ceiling: number, entries: EntryUse): void {
    const { bytes } = this
    this.bytes = Math.floor(Math.min(ceiling, wanted))
    if (this.bytes < bytes) entries.giveBack()
  }
}

const worthOf = (hits: number, used: number): number => hits / Math.max(1, used)
