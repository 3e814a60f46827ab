import type { StorageFile } from "./storageDriver.js"

type Done = (failure: Error | undefined) => void

/**
 * The files that a job writes, one of each kind at a time. A file is complete, and a sync of it
 * begins, when the next one of its kind begins: the disk works while the job goes on. One is synced
 * at a time.
 */
export class WrittenFiles {
  readonly all: Array<StorageFile> = []
  private readonly open = new Map<string, StorageFile>()
  private readonly complete: Array<StorageFile> = []
  private isSyncing = false
  private isStopped = false
  private failure: Error | undefined
  private waiter: (() => void) | undefined

  /** Adds a file that was just created, and returns it. */
  begin(kind: string, file: StorageFile): StorageFile {
    const before = this.open.get(kind)
    this.all.push(file)
    this.open.set(kind, file)
    if (before !== undefined) this.complete.push(before)
    this.syncNext()
    return file
  }

  /** Takes all files as complete. Calls back when they are synced, or with the first failure. */
  sync(done: Done): void {
    this.complete.push(...this.open.values())
    this.open.clear()
    this.waiter = () => done(this.failure)
    this.syncNext()
  }

  /** Begins no more syncs. Calls back when none is under way, so that the files can be closed. */
  stop(done: () => void): void {
    this.isStopped = true
    this.waiter = done
    this.syncNext()
  }

  private syncNext(): void {
    if (this.isSyncing) return
    const isOver = this.isStopped || this.failure !== undefined
    const file = isOver ? undefined : this.complete.shift()
    if (file === undefined) {
      const { waiter } = this
      this.waiter = undefined
      waiter?.()
      return
    }
    this.isSyncing = true
    file.sync((failure) => {
      this.isSyncing = false
      this.failure ??= failure
      this.syncNext()
    })
  }
}
