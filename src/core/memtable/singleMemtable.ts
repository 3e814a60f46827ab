import type { LookupKey } from "../bytes/lookupKey.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import type { LookupResult } from "../cursor/lookupResult.js"

/** One memtable, active or frozen: the versions of keys that the log has kept since it began. */
export interface SingleMemtable {
  /** The log segment that holds its first record. */
  readonly firstSegment: number
  readonly isEmpty: boolean
  /** Whether it has reached its budget. An empty one is never full. */
  readonly isFull: boolean
  /** Entries, all versions included. */
  readonly count: number
  /** Bytes of keys and values. */
  readonly dataBytes: number
  /** Bytes of memory held. */
  readonly memory: number
  readonly largestSequence: number
  /** Looks for the newest version of a key at or before `sequence`. Returns true when `result` holds it; a deletion counts. */
  lookup(key: LookupKey, sequence: number, result: LookupResult): boolean
  /**
   * Cursors that together give the newest version of each key at or before `sequence`, as of this moment: entries that are inserted
   * later have greater sequence numbers and do not show.
   */
  newestCursors(sequence: number): ReadonlyArray<InternalCursor>
  /** Cursors that together give every version of each key. */
  versionCursors(): ReadonlyArray<InternalCursor>
  /** About how many keys lie in [start, end); undefined is unbounded. */
  approximateCount(start: Uint8Array | undefined, end: Uint8Array | undefined): number
}
