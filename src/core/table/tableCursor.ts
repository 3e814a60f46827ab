import { shared } from "../bytes/bytes.js"
import { absent } from "../cache/cacheSlots.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import { BlockCursor } from "./blockCursor.js"
import type { BlockRun } from "./blockRun.js"
import type { TableReader } from "./tableReader.js"

const firstReadAhead = 16 * 1024
/**
 * The first blocks of a sequence are read in pieces of this many bytes and cached, because short
 * scans are often repeated. After `shortPieces` of them, the cursor reads ahead.
 */
const shortPiece = 4 * 1024
const shortPieces = 8

export interface TableCursorOptions {
  /** The most bytes to read at once when blocks are read in sequence. 0 turns read-ahead off. */
  readonly readAhead: number
  /** Whether to add missed blocks to the cache. */
  readonly fillCache: boolean
  /**
   * Whether the caller may keep the values. If so, the cursor never reuses the memory of a block,
   * and marks it as shared. Default false.
   */
  readonly giveValues?: boolean
}

/**
 * A cursor over one table. It reads blocks that are missed in sequence together, in growing pieces.
 * So a long scan makes few read calls, and only its first blocks enter the cache.
 */
export class TableCursor extends BlockCursor implements InternalCursor {
  private block = -1
  /** The block last requested. A corruption error names this block. */
  private asked = -1
  private ahead: BlockRun | undefined
  /** Whether the blocks of `ahead` are added to the cache when they are opened. */
  private fillsCache = false
  /** The run of blocks that was read last. */
  private missedFirst = -2
  private missedLast = -2
  private sequential = 0
  private readAhead = firstReadAhead

  /** The copy of the current block, if the block came from the cache. */
  private own: Uint8Array = new Uint8Array(0)
  private table: TableReader

  /**
   * `reader` is called for every block, because the table's file may be closed and opened again
   * between two blocks.
   */
  constructor(
    private readonly reader: () => TableReader,
    private readonly options: TableCursorOptions
  ) {
    super(() => this.table.failBlock(this.asked))
    this.table = reader()
    this.valueIsOwn = options.giveValues === true
  }

  override seekToFirst(): void {
    if (this.load(0)) super.seekToFirst()
  }

  override seekToLast(): void {
    if (this.load(this.table.index.count - 1)) super.seekToLast()
  }

  override seek(key: Uint8Array, length: number): void {
    this.table = this.reader()
    const block = this.table.index.find(key, length)
    if (!this.load(block)) return
    super.seek(key, length)
    if (!this.valid && this.load(block + 1)) super.seekToFirst()
  }

  override next(): void {
    super.next()
    if (!this.valid && this.load(this.block + 1)) super.seekToFirst()
  }

  override prev(): void {
    super.prev()
    if (!this.valid && this.load(this.block - 1)) super.seekToLast()
  }

  /**
   * Moves to a block. Returns false if there is no such block. If reading fails, the cursor becomes
   * invalid but stays at its old block, so the next call tries again.
   */
  private load(block: number): boolean {
    if (block !== this.block) {
      this.valid = false
      this.table = this.reader()
    }
    if (block < 0 || block >= this.table.index.count) {
      this.valid = false
      return false
    }
    this.asked = block
    if (block !== this.block) {
      if (!this.openCached(block)) this.openStored(block)
      this.block = block
    }
    return true
  }

  private openCached(block: number): boolean {
    const { table, options } = this
    const { cache } = table
    const slot = table.slots[block]!
    if (slot === absent) return false
    const length = cache.lengthOf(slot)
    if (options.giveValues) this.own = new Uint8Array(shared(new ArrayBuffer(length)))
    else if (this.own.length < length) this.own = new Uint8Array(Math.max(length, cache.unit))
    cache.copy(table, block, this.own)
    this.open(this.own, 0, length)
    return true
  }

  private openStored(block: number): void {
    const { table, options, ahead } = this
    if (ahead !== undefined && block >= ahead.first && block <= ahead.last) return this.openAhead(ahead, block)
    const isPrevious = block === this.missedFirst - 1
    this.sequential = isPrevious || block === this.missedLast + 1 ? this.sequential + 1 : 0
    const isShort = this.sequential < shortPieces || options.readAhead === 0
    const budget = Math.min(isShort ? shortPiece : this.readAhead, options.readAhead)
    const run = isPrevious ? table.readRunUpTo(block, budget) : table.readRun(block, budget)
    if (options.giveValues) shared(run.buffer)
    this.ahead = run
    this.fillsCache = isShort && options.fillCache
    this.missedFirst = run.first
    this.missedLast = run.last
    this.readAhead = isShort ? firstReadAhead : Math.min(this.readAhead * 2, options.readAhead)
    this.openAhead(run, block)
  }

  private openAhead(run: BlockRun, block: number): void {
    // A compressed block gets a buffer of its own.
    if (!run.open(block) && this.options.giveValues) shared(run.bytes.buffer)
    const { bytes, start, end } = run
    this.open(bytes, start, end)
    if (this.fillsCache) this.table.cache.put(this.table, block, bytes.subarray(start, end))
  }
}
