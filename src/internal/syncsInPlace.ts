import type { StorageFile } from "./storageDriver.js"

/** After so many records the event loop is to turn however short their syncs were: each has a fiber that goes on. */
const mostRecords = 64

/**
 * Syncs in the calling thread, without a turn of the event loop, which takes as long as a third of a short sync. When they have held the thread for
 * as long as one of them may, the event loop is to turn.
 */
export class SyncsInPlace {
  /** Milliseconds since that was so. */
  private held = 0
  private records = 0

  /** Whether the next sync may be one, where the thread may be held for `limit` milliseconds. */
  may(file: StorageFile, limit: number): boolean {
    if (file.syncNow === undefined || file.isSyncShort?.(limit) !== true) return false
    return this.held < limit && this.records < mostRecords
  }

  /** Makes so many records durable. */
  sync(file: StorageFile, records: number): Error | undefined {
    try {
      this.held += file.syncNow!()
      this.records += records
      return undefined
    } catch (failure) {
      return failure as Error
    }
  }

  /** The event loop is let turn. */
  turn(): void {
    this.held = 0
    this.records = 0
  }
}
