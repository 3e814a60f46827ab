/** Syncs through the thread pool, one after the other, that must have been short before one is tried in the calling thread. */
const proof = 4
/** Syncs through the thread pool after one in the calling thread that was long. */
const penalty = 64

/**
 * Whether a file's next sync is expected to be so short that it is done in the calling thread, which spares the way through the thread
 * pool and back. Learned from the last ones: a long one in the calling thread is found out by one stall, and paid for by many
 * through the thread pool.
 */
export class SyncPace {
  private short = 0
  private pause = 0

  /** Whether the next sync may hold the calling thread, which it should for less than `limit` milliseconds. */
  isShort(limit: number): boolean {
    return limit > 0 && this.pause === 0 && this.short >= proof
  }

  /** A sync in the calling thread took so many milliseconds. */
  tookHere(millis: number, limit: number): void {
    if (millis <= limit) return
    this.pause = penalty
    this.short = 0
  }

  /** A sync through the thread pool took so many, the way there and back included. */
  tookElsewhere(millis: number, limit: number): void {
    if (this.pause > 0) this.pause--
    this.short = millis <= limit * 2 ? this.short + 1 : 0
  }
}
