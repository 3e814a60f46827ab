import { type DiskObserver, type DiskOperation, MemoryDisk } from "../../src/core/storage/memoryFile.js"

/** What a workload tells of its own progress, among the disk's operations. */
export type Mark =
  /** Batch `batch` has been handed to the store. */
  | { readonly kind: "submitted"; readonly batch: number }
  /** Everything up to batch `batch` has been acknowledged as durable. */
  | { readonly kind: "kept"; readonly batch: number }

export type Event = DiskOperation | Mark

/** Everything that changes the disk, in order; reads are left out. */
export class Journal {
  readonly events: Array<Event> = []

  readonly observer: DiskObserver = {
    after: (operation) => {
      if (operation.kind === "read" || operation.kind === "open" || operation.kind === "list") return
      this.events.push(operation.kind === "append" ? { ...operation, bytes: operation.bytes.slice() } : operation)
    }
  }

  mark(mark: Mark): void {
    this.events.push(mark)
  }
}

/**
 * A disk whose turns are microtasks: nothing else wants the event loop in a simulation. A sync takes so many of them: on a
 * disk with slow syncs more is pending at a time, in several files.
 */
export const quickDisk = (observer: DiskObserver = {}, syncTurns = 1): MemoryDisk =>
  new MemoryDisk(observer, queueMicrotask, syncTurns)
