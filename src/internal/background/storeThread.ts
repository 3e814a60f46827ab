import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { FlushRequest, MergeRequest } from "../../core/jobs/tableJobs.js"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"
import type { FileError } from "../../LsmError.js"
import type { SegmentUnusable } from "./segmentUnusable.js"
import type { ThreadDied } from "./threadDied.js"

/** The kinds of work that a thread does. One of each may be under way at a time. */
export type ThreadWorkKind = "flush" | "merge"

/**
 * A worker thread that flushes and merges. It ends with the scope in which it was started, or when
 * it is closed.
 */
export interface StoreThread {
  readonly merge: (request: MergeRequest) => Effect.Effect<WriterJobResult, FileError | ThreadDied>
  readonly flush: (request: FlushRequest) => Effect.Effect<WriterJobResult, FileError | SegmentUnusable | ThreadDied>
  /**
   * Returns when no work of this kind is under way. Interrupted work has removed its files by then.
   */
  readonly settle: (kind: ThreadWorkKind) => Effect.Effect<void, ThreadDied>
  readonly unsafeIsDead: () => boolean
  /** Sets whether the thread keeps the process alive. By default it does. */
  readonly unsafeKeepAlive: (keep: boolean) => void
  readonly close: Effect.Effect<void>
}

/** Starts a thread that ends with a scope, and waits until it is ready. */
export type StartThread = (parent: Scope.Scope) => Effect.Effect<StoreThread, ThreadDied>

/** Node's threads and child processes have these, so that a process can end while they run. */
export interface Referenced {
  readonly ref?: () => void
  readonly unref?: () => void
}
