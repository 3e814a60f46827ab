/** Syncs that must have been timed before one is done in the calling thread. */
const proof = 4
/** How much the newest sync counts in the mean, once there are as many. */
const weight = 1 / 16
/** Milliseconds that the way through the thread pool and back takes, half of the time at most. */
const way = 0.2

/**
 * Whether a file's next sync is expected to be so short that it is done in the calling thread, which spares the way through the thread
 * pool and back. Learned from the mean of the last ones, so that the one in fifty that is long on a shared disk sends none through the
 * thread pool, one that is very long some, and a disk that has become slow all.
 */
export class SyncPace {
  private mean = 0
  private count = 0

  /** Whether the next sync may hold the calling thread, which it should for less than `limit` milliseconds. */
  isShort(limit: number): boolean {
    return limit > 0 && this.count >= proof && this.mean <= limit
  }

  /** A sync in the calling thread took so many milliseconds. */
  tookHere(millis: number): void {
    this.count++
    this.mean += (millis - this.mean) * Math.max(weight, 1 / this.count)
  }

  /** A sync through the thread pool took so many, the way there and back included. */
  tookElsewhere(millis: number): void {
    this.tookHere(Math.max(millis - way, millis / 2))
  }
}
