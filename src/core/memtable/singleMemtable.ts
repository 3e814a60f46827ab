import type { LookupKey } from "../bytes/lookupKey.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import type { LookupResult } from "../cursor/lookupResult.js"
import type { RangeDeletion } from "../ranges/rangeDeletion.js"

/** One memtable, active or frozen. It holds the versions that were logged while it was active. */
export interface SingleMemtable {
  /** The log segment that holds its first record. */
  readonly firstSegment: number
  readonly isEmpty: boolean
  /** Whether it has reached its budget. An empty memtable is never full. */
  readonly isFull: boolean
  /**
   * Whether it is to be flushed as soon as that can be, though it is not full. Default `isFull`.
   *
   * @since 3.1.0
   */
  readonly isDue?: boolean
  /**
   * How much of a full memtable it counts for when it is frozen. Default 1.
   *
   * @since 3.1.0
   */
  readonly weight?: number
  /** Entries, all versions included. */
  readonly count: number
  /** Bytes of keys and values. */
  readonly dataBytes: number
  /**
   * Bytes of the values of at least `valueThreshold` bytes that are each the newest of its key.
   * Optional: without it, each flush copies large values.
   *
   * @since 3.1.0
   */
  readonly largeBytes?: number
  /** Bytes of memory held. */
  readonly memory: number
  readonly largestSequence: number
  /**
   * How many entries expire.
   *
   * @since 3.1.0
   */
  readonly expiring: number
  /**
   * The range deletions, oldest first. Lookups and cursors see each as a deletion of its first key.
   *
   * @since 3.1.0
   */
  readonly rangeDeletions: ReadonlyArray<RangeDeletion>
  /**
   * Looks for the newest version of a key at or before `sequence`. Returns true if `result` holds
   * it. A deletion counts as a version.
   */
  lookup(key: LookupKey, sequence: number, result: LookupResult): boolean
  /**
   * Cursors that together return the newest version of each key at or before `sequence`, as of now.
   * Entries that are inserted later have greater sequence numbers and do not show.
   */
  newestCursors(sequence: number): ReadonlyArray<InternalCursor>
  /** Cursors that together return every version of each key. They end before the memtable is released. */
  versionCursors(): ReadonlyArray<InternalCursor>
  /** About how many keys lie in [start, end); undefined is unbounded. */
  approximateCount(start: Uint8Array | undefined, end: Uint8Array | undefined): number
}
