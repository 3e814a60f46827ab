import type { Entries } from "../lib/entries.js"
import type { Loop } from "../lib/slices.js"
import type { Tape } from "../lib/ycsb.js"
import type { AsyncCalls, SyncCalls } from "../peers/peer.js"

/** What a loop works on. */
export interface Work {
  readonly entries: Entries
  /** The indexes of the entries in the order of the operations. */
  readonly order: Uint32Array
  readonly tape?: Tape | undefined
  /** Where the milliseconds that each operation took are put. */
  readonly times?: Float64Array | undefined
}

/** One loop for stores that answer at once and one for those that promise, so that neither pays for the other's way. */
export interface Loops {
  readonly sync: (calls: SyncCalls, work: Work) => Loop<void>
  /** Takes synchronous reads of a store that has them, where it is a mixture. */
  readonly async: (calls: AsyncCalls, work: Work, sync: Partial<SyncCalls>) => Loop<Promise<void>>
}
