import type { LookupKey } from "../bytes/lookupKey.js"

/** Leads from keys to the data blocks of a table, and from the blocks to their places. */
export interface BlockIndex {
  /** Number of data blocks. */
  readonly count: number
  /** Bytes of memory held outside the block cache. */
  readonly memory: number
  /** Bytes of all its partitions, which the block cache may hold. */
  readonly partitionBytes: number
  /** Returns the first block whose separator is at or above the key, or `count`. */
  find(key: Uint8Array, length: number): number
  /** The same. Returns -1 if a filter says that the table does not hold the key. */
  locate(key: LookupKey): number
  /** Whether the last `locate` checked a filter. */
  readonly hasChecked: boolean
  /** Says whether the key of the last `locate` was found in a block. */
  located(isFound: boolean): void
  /**
   * Whether a block's separator is the key. If so, older versions of the key may be in the next
   * block.
   */
  separatorIs(block: number, key: Uint8Array, length: number): boolean
  /** Sets `offset` and `length` to the place of a block. */
  place(block: number): void
  /** The same for the block that `locate` has just returned, if nothing was called in between. */
  placeLocated(block: number): void
  /** Offset of the block that was placed last. */
  readonly offset: number
  /** Length of its stored content, without the section trailer. */
  readonly length: number
  /** Drops what the block cache holds of the index. */
  release(): void
}
