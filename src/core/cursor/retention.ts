import { equalRange } from "../bytes/bytes.js"
import { EntryKind } from "../cursor/entryKind.js"
import type { InternalCursor } from "./internalCursor.js"

/** Decides which entries a flush or a compaction keeps. */
export interface RetentionPolicy {
  /** Whether the entry is kept. Call it for every entry, in order. */
  keeps(entry: InternalCursor): boolean
}

/**
 * Decides which versions a flush or a compaction must keep. A version is superseded, and dropped,
 * if its key has a newer version and every snapshot that sees the old one sees a newer one too. A
 * tombstone is dropped only if nothing below it can hold its key (`isBottom`) and no snapshot is
 * older than it.
 */
export class Retention implements RetentionPolicy {
  private key = new Uint8Array(256)
  private keyLength = -1
  /** The sequence number of the last version of this key that was not superseded. */
  private boundary = Number.POSITIVE_INFINITY

  /** `snapshots`: the sequence numbers that readers hold, in ascending order. */
  constructor(
    private readonly snapshots: ReadonlyArray<number>,
    private readonly isBottom: (bytes: Uint8Array, start: number, end: number) => boolean
  ) {}

  keeps(entry: InternalCursor): boolean {
    const { keyBytes, keyStart, keyEnd, sequence } = entry
    const length = keyEnd - keyStart
    const sameKey = equalRange(keyBytes, keyStart, keyEnd, this.key, 0, this.keyLength)
    if (!sameKey) {
      if (length > this.key.length) this.key = new Uint8Array(length * 2)
      for (let i = 0; i < length; i++) this.key[i] = keyBytes[keyStart + i]!
      this.keyLength = length
      this.boundary = Number.POSITIVE_INFINITY
    } else if (!this.snapshotIn(sequence, this.boundary)) {
      return false
    }
    this.boundary = sequence
    return !(
      entry.kind === EntryKind.deletion &&
      (this.snapshots.length === 0 || this.snapshots[0]! >= sequence) &&
      this.isBottom(keyBytes, keyStart, keyEnd)
    )
  }

  /** Whether any snapshot is in [from, to): it sees a version at `from`, but not one at `to`. */
  private snapshotIn(from: number, to: number): boolean {
    const { snapshots } = this
    let low = 0
    let high = snapshots.length
    // The first snapshot at or above `from`.
    while (low < high) {
      const middle = (low + high) >>> 1
      if (snapshots[middle]! < from) low = middle + 1
      else high = middle
    }
    return low < snapshots.length && snapshots[low]! < to
  }
}
