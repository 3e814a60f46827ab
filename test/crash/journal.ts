import { type DiskObserver, type DiskOperation, MemoryDisk } from "../../src/core/storage/memoryFile.js"

/** Progress of a workload, recorded among the disk operations. */
export type Mark =
  /** Batch `batch` has been submitted to the store. */
  | { readonly kind: "submitted"; readonly batch: number }
  /** Everything up to batch `batch` has been acknowledged as durable. */
  | { readonly kind: "kept"; readonly batch: number }
  /** Checkpoint `checkpoint`, counted from 1, is complete. */
  | { readonly kind: "checkpointed"; readonly checkpoint: number }
  /** The clock has moved to a time. */
  | { readonly kind: "time"; readonly time: number }
  /** The store has recorded this time durably. */
  | { readonly kind: "timed"; readonly time: number }

export type Event = DiskOperation | Mark

/** Records every operation that changes the disk, in order. Reads are left out. */
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
 * A simulated disk that yields by microtasks, because nothing else needs the event loop. A sync
 * takes `syncTurns` microtasks. With slow syncs more changes are pending at a time, in several
 * files.
 */
export const quickDisk = (observer: DiskObserver = {}, syncTurns = 1): MemoryDisk =>
  new MemoryDisk(observer, queueMicrotask, syncTurns)
