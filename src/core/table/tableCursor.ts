import { shared } from "../bytes/bytes.js"
import { absent } from "../cache/cacheSlots.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import { BlockCursor } from "./blockCursor.js"
import type { TableReader } from "./tableReader.js"

const firstReadAhead = 16 * 1024
/** Blocks missed in sequence that are still read one by one, and cached: short scans come again. */
const singleBlocks = 8

export interface TableCursorOptions {
  /** Bytes to read at once at most when blocks are read one after the other. */
  readonly readAhead: number
  /** Whether blocks that were missed go into the cache. */
  readonly fillCache: boolean
  /** Whether blocks are read and copied so that their values can be given away: views of memory that is marked as shared. Default false. */
  readonly giveValues?: boolean
}

/**
 * A cursor over one table. Blocks missed in sequence are read together, in growing pieces, so that a long scan makes
 * few calls and, beyond its first blocks, leaves the cache to others.
 */
export class TableCursor extends BlockCursor implements InternalCursor {
  private block = -1
  /** The block last asked for, which a failure is about. */
  private asked = -1
  private ahead: Array<Uint8Array> = []
  private aheadFrom = 0
  private missedLast = -2
  private sequential = 0
  private readAhead = firstReadAhead

  /** Where a block from the cache is copied to. */
  private own: Uint8Array = new Uint8Array(0)
  private table: TableReader

  /** `reader` is asked at every block, for a table's file may be closed and opened again meanwhile. */
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

  /** Where it fails, the cursor stays invalid in the block it was in: asked again, it tries again. */
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
      if (!this.openCached(block)) this.open(this.fetch(block))
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
    this.open(this.own, length)
    return true
  }

  private fetch(block: number): Uint8Array {
    const { table, options } = this
    const ahead = this.ahead[block - this.aheadFrom]
    if (ahead !== undefined) return ahead
    this.sequential = block === this.missedLast + 1 ? this.sequential + 1 : 0
    if (this.sequential < singleBlocks || options.readAhead === 0) {
      this.missedLast = block
      this.readAhead = firstReadAhead
      const alone = options.fillCache ? table.fillBlock(block) : table.readBlock(block)
      if (options.giveValues) shared(alone.buffer)
      return alone
    }
    this.ahead = table.readBlocks(block, this.readAhead)
    // Compressed blocks have buffers of their own.
    if (options.giveValues) for (const { buffer } of this.ahead) shared(buffer)
    this.aheadFrom = block
    this.missedLast = block + this.ahead.length - 1
    this.readAhead = Math.min(this.readAhead * 2, options.readAhead)
    return this.ahead[0]!
  }
}
