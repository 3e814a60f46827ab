/** The entries of a memtable, for its cursors. Each entry has an id; `none` stands for no entry. */
export interface EntrySource {
  /**
   * The sorted runs at this moment, which never change. A run holds the first entry of each of its
   * keys.
   */
  snapshotRuns(): ReadonlyArray<Uint32Array>
  /** The first position of a run whose key is at or above `key[0, length)`. */
  lowerBound(run: Uint32Array, key: Uint8Array, length: number): number
  /** The newest entry at or before `sequence` of the key whose first entry is `node`. */
  newestOf(node: number, sequence: number): number
  /** The next older entry of the same key. */
  olderOf(id: number): number
  kindOf(id: number): number
  sequenceOf(id: number): number
  bytesOf(id: number): Uint8Array
  keyStartOf(id: number): number
  keyEndOf(id: number): number
  valueEndOf(id: number): number
}

export const none = -1
