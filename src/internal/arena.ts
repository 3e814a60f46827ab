/** Blocks grow from this size to the arena's own, so that a store with little in it holds little. */
const firstBlock = 4 * 1024

/** Bytes of many small pieces in few large blocks, so that a piece costs no object. Pieces never move. */
export class Arena {
  readonly blocks: Array<Uint8Array> = []
  private current: Uint8Array | undefined
  private used = 0
  /** The block and the offset of the last piece taken. */
  block = -1
  offset = 0
  /** Bytes of all blocks. */
  allocated = 0

  constructor(private readonly blockSize: number) {}

  /** Makes room for `size` bytes: `blocks[block]` at `offset`. */
  take(size: number): void {
    if (this.current === undefined || this.used + size > this.current.length) {
      const grown = Math.min(this.blockSize, firstBlock << Math.min(this.blocks.length, 16))
      this.current = new Uint8Array(Math.max(size, grown))
      this.blocks.push(this.current)
      this.allocated += this.current.length
      this.used = 0
    }
    this.block = this.blocks.length - 1
    this.offset = this.used
    this.used += size
  }
}
