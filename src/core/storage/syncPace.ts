/** The number of syncs that must be timed before one may run in the calling thread. */
const proof = 4
/** The weight of the newest sync in the moving mean, once 16 syncs are timed. */
const weight = 1 / 16
/**
 * Milliseconds that the thread pool adds to a sync. At most half of the time measured is taken off.
 */
const way = 0.2

/**
 * Predicts whether a file's next sync is short enough to run in the calling thread, which avoids
 * the overhead of the thread pool. It uses a moving mean. On a shared disk about one sync in fifty
 * is long, and does not change the prediction. After a very long sync, some go through the thread
 * pool. If the disk has become slow, all do.
 */
export class SyncPace {
  private mean = 0
  private count = 0

  /**
   * Whether the next sync is expected to take no more than `limit` milliseconds, so that it may
   * block the calling thread. Always false if `limit` is 0.
   */
  isShort(limit: number): boolean {
    return limit > 0 && this.count >= proof && this.mean <= limit
  }

  /** Records that a sync in the calling thread took `millis` milliseconds. */
  tookHere(millis: number): void {
    this.count++
    this.mean += (millis - this.mean) * Math.max(weight, 1 / this.count)
  }

  /** The same for a sync through the thread pool, including the overhead of the pool. */
  tookElsewhere(millis: number): void {
    this.tookHere(Math.max(millis - way, millis / 2))
  }
}
