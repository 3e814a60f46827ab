import type { StorageFile } from "../storage/storageDriver.js"

/**
 * Waiters after which to yield, however short their syncs were, because each one resumes a fiber.
 */
const mostWaiting = 64

/**
 * Syncs in the calling thread, without yielding to the event loop (see
 * docs/decisions/0006-syncs-in-the-calling-thread.md). Once they have blocked the thread for as
 * long as one of them may, the next sync must yield.
 */
export class SyncsInPlace {
  /** Milliseconds that syncs have blocked the thread since the last yield. */
  private held = 0
  /** The number of waiters for these syncs. */
  private waiting = 0

  /**
   * Whether the next sync may run in the calling thread, which may be blocked for `limit`
   * milliseconds.
   */
  may(file: StorageFile, limit: number): boolean {
    if (file.syncNow === undefined || file.isSyncShort?.(limit) !== true) return false
    return this.held < limit && this.waiting < mostWaiting
  }

  /** Syncs for `waiting` waiters. Returns the failure, if any. */
  sync(file: StorageFile, waiting: number): Error | undefined {
    try {
      this.held += file.syncNow!()
      this.waiting += waiting
      return undefined
    } catch (failure) {
      return failure as Error
    }
  }

  /** Starts counting anew. Call it before a sync that yields to the event loop. */
  turn(): void {
    this.held = 0
    this.waiting = 0
  }
}
