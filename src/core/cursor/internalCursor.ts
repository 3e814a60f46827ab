/**
 * A position in a sorted sequence of entries, ordered by key and, for one key, from the newest
 * version to the oldest. Keys and values are read in place and are valid until the cursor moves.
 */
export interface InternalCursor {
  readonly valid: boolean
  readonly keyBytes: Uint8Array
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueBytes: Uint8Array
  readonly valueStart: number
  readonly valueEnd: number
  /**
   * Whether the value's bytes belong to no other owner and never change, so that they can be
   * returned without a copy.
   */
  readonly valueIsOwn: boolean
  readonly sequence: number
  readonly kind: number
  /**
   * The innermost cursor at the current entry. Reading several fields from it is faster than
   * through the cursors around it.
   */
  readonly entry: InternalCursor
  seekToFirst(): void
  seekToLast(): void
  /** Moves to the first entry whose key is at or above `key[0, length)`. */
  seek(key: Uint8Array, length: number): void
  next(): void
  prev(): void
}
