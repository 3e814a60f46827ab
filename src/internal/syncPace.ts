/** Syncs through the thread pool, one after the other, that must have been short before one is tried in the calling thread. */
const proof = 4
/** Syncs through the thread pool after one in the calling thread that was long; twice as many each time, up to the most. */
const leastPause = 8
const mostPause = 64
/** The same for each limit's worth of its time. */
const pausePerLimit = 4
/** Short syncs in a row in the calling thread after which a long one counts as the first. */
const streak = 32

/**
 * Whether a file's next sync is expected to be so short that it is done in the calling thread, which spares the way through the thread
 * pool and back. Learned from the last ones: a long one in the calling thread is found out by one stall, and paid for by some
 * through the thread pool: few where one in a hundred is long, as on a shared disk, many where all have become so.
 */
export class SyncPace {
  private short = 0
  private pause = 0
  private nextPause = leastPause
  private shortHere = 0

  /** Whether the next sync may hold the calling thread, which it should for less than `limit` milliseconds. */
  isShort(limit: number): boolean {
    return limit > 0 && this.pause === 0 && this.short >= proof
  }

  /** A sync in the calling thread took so many milliseconds. */
  tookHere(millis: number, limit: number): void {
    if (millis <= limit) {
      if (++this.shortHere >= streak) this.nextPause = leastPause
      return
    }
    this.pause = Math.max(this.nextPause, Math.ceil((millis / limit) * pausePerLimit))
    this.nextPause = Math.min(mostPause, this.nextPause * 2)
    this.shortHere = 0
    this.short = 0
  }

  /** A sync through the thread pool took so many, the way there and back included. */
  tookElsewhere(millis: number, limit: number): void {
    if (this.pause > 0) this.pause--
    this.short = millis <= limit * 2 ? this.short + 1 : 0
  }
}
