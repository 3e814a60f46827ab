import type { StorageFile } from "../storage/storageDriver.js"

/** When so many have been waited for the event loop is to turn however short their syncs were: with each a fiber goes on. */
const mostWaiting = 64

/**
 * Syncs in the calling thread, without a turn of the event loop: of groups of 64 records, 12.9 µs a record became 11.7 where three of four were synced
 * so. When they have held the thread for as long as one of them may, the event loop is to turn.
 */
export class SyncsInPlace {
  /** Milliseconds since it last did. */
  private held = 0
  /** Who waited for them. */
  private waiting = 0

  /** Whether the next sync may be one, where the thread may be held for `limit` milliseconds. */
  may(file: StorageFile, limit: number): boolean {
    if (file.syncNow === undefined || file.isSyncShort?.(limit) !== true) return false
    return this.held < limit && this.waiting < mostWaiting
  }

  /** For so many who wait. */
  sync(file: StorageFile, waiting: number): Error | undefined {
    try {
      this.held += file.syncNow!()
      this.waiting += waiting
      return undefined
    } catch (failure) {
      return failure as Error
    }
  }

  /** The event loop turns before the next one: to be called by whoever waits for that. */
  turn(): void {
    this.held = 0
    this.waiting = 0
  }
}
