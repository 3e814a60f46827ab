/**
 * The blocks of a memtable that was flushed, for the next ones. On virtual machines, the first touch
 * of a page can take several microseconds, more than copying what it holds.
 *
 * The garbage collector may take them: a store that is not written to keeps no memory for them.
 */
export class SpareBlocks {
  private blocks: WeakRef<Array<Uint8Array>> | undefined

  /** A block of that size, with any content; undefined if there is none. */
  take(size: number): Uint8Array | undefined {
    const blocks = this.blocks?.deref()
    return blocks?.at(-1)?.length === size ? blocks.pop() : undefined
  }

  /**
   * Keeps the blocks of that size, and drops those that are left from earlier. Nothing may refer to
   * them any more.
   */
  give(blocks: ReadonlyArray<Uint8Array>, size: number): void {
    this.blocks = new WeakRef(blocks.filter((block) => block.length === size))
  }
}
