import type * as Effect from "effect/Effect"
import type { FileError } from "../../LsmError.js"
import type { MergeRequest, MergeResult } from "./mergeMessages.js"
import type { ThreadDied } from "./threadDied.js"

/**
 * A worker thread that merges tables. It ends with the scope in which it was started, or when it is
 * closed.
 */
export interface MergeThread {
  readonly merge: (request: MergeRequest) => Effect.Effect<MergeResult, FileError | ThreadDied>
  /** Returns when no merge is running. An interrupted merge has removed its files by then. */
  readonly settle: Effect.Effect<void, ThreadDied>
  readonly unsafeIsDead: () => boolean
  /** Sets whether the thread keeps the process alive. By default it does. */
  readonly unsafeKeepAlive: (keep: boolean) => void
  readonly close: Effect.Effect<void>
}

/** Node's threads and child processes have these, so that a process can end while they run. */
export interface Referenced {
  readonly ref?: () => void
  readonly unref?: () => void
}
