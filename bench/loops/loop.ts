import type { Entries } from "../lib/entries.js"
import type { Loop } from "../lib/slices.js"
import type { Tape } from "../lib/ycsb.js"
import type { AsyncCalls, SyncCalls } from "../peers/peer.js"

/** The input of a loop. */
export interface Work {
  readonly entries: Entries
  /** The indexes of the entries in the order of the operations. */
  readonly order: Uint32Array
  readonly tape?: Tape | undefined
  /** Receives the milliseconds that each operation took. */
  readonly times?: Float64Array | undefined
}

/**
 * One loop for synchronous stores and one for stores with promises, so that neither pays for the
 * other.
 */
export interface Loops {
  /** Absent for loops that wait for the event loop, which are the same for all stores. */
  readonly sync?: (calls: SyncCalls, work: Work) => Loop<void>
  /** Loops that mix reads and writes use the synchronous calls of a store, if it has them. */
  readonly async: (calls: AsyncCalls, work: Work, sync: Partial<SyncCalls>) => Loop<Promise<void>>
}
