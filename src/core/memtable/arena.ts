import { copyInto, viewOf } from "../bytes/bytes.js"
import type { SpareBlocks } from "./spareBlocks.js"

/**
 * The first block has this size. Later ones double up to the arena's block size, to save memory.
 */
const firstBlock = 4 * 1024

/**
 * Ranges up to this length are copied by words, which is faster than a view and a call of `set`.
 */
const longestByWords = 256
/**
 * Buffers larger than this, such as segments during a replay, are not kept alive by a view of them.
 */
const largestSource = 1024 * 1024

const noView: DataView = new DataView(new ArrayBuffer(0))

/** Stores many small pieces in few large blocks, without an object per piece. Pieces never move. */
export class Arena {
  readonly blocks: Array<Uint8Array> = []
  private current: Uint8Array | undefined
  private currentView = noView
  private used = 0
  /** The buffer of the last range. The next range is often in the same buffer. */
  private source: Uint8Array | undefined
  private sourceView = noView
  /** The block and the offset of the last piece taken. */
  block = -1
  offset = 0
  /** Bytes of all blocks. */
  allocated = 0

  constructor(
    private readonly blockSize: number,
    private readonly spare?: SpareBlocks
  ) {}

  /** Makes room for `size` bytes in `blocks[block]` at `offset`. */
  take(size: number): void {
    if (this.current === undefined || this.used + size > this.current.length) {
      const grown = Math.min(this.blockSize, firstBlock << Math.min(this.blocks.length, 16))
      const wanted = Math.max(size, grown)
      this.current = this.spare?.take(wanted) ?? new Uint8Array(wanted)
      this.currentView = viewOf(this.current)
      this.blocks.push(this.current)
      this.allocated += this.current.length
      this.used = 0
    }
    this.block = this.blocks.length - 1
    this.offset = this.used
    this.used += size
  }

  /** Gives the blocks away. No piece may be used any more. */
  recycle(): void {
    this.spare?.give(this.blocks.splice(0), this.blockSize)
  }

  /** Copies `bytes[start, end)` into the last piece taken, at `at` in it. */
  fill(at: number, bytes: Uint8Array, start: number, end: number): void {
    const target = this.offset + at
    if (end - start > longestByWords || bytes.length > largestSource) {
      copyInto(bytes, start, end, this.current!, target)
      return
    }
    if (bytes !== this.source) {
      this.source = bytes
      this.sourceView = viewOf(bytes)
    }
    copyWords(this.sourceView, start, end, this.currentView, target)
  }
}

const copyWords = (source: DataView, start: number, end: number, target: DataView, at: number): void => {
  let i = start
  for (const last = end - 7; i < last; i += 8, at += 8) {
    target.setInt32(at, source.getInt32(i, true), true)
    target.setInt32(at + 4, source.getInt32(i + 4, true), true)
  }
  for (; i < end; i++) target.setInt8(at++, source.getInt8(i))
}
