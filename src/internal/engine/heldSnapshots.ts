import { Linked, LinkedList } from "../../core/commit/linkedList.js"
import type { Snapshot } from "../../Store.js"

/** A snapshot, and where it was taken. */
export class HeldSnapshot extends Linked implements Snapshot {
  wasReported = false

  constructor(
    readonly sequence: number,
    /** In milliseconds of the clock. */
    readonly takenAt: number,
    /** Undefined for snapshots that the library takes for a short time. */
    readonly origin: Origin | undefined
  ) {
    super()
  }
}

/** Where a snapshot was taken. Only what is known is set. */
export interface Origin {
  readonly fiber?: string
  readonly span?: string
  /** The line of a program. */
  readonly at?: string
}

/** The snapshots of a store that have not been released. */
export class HeldSnapshots {
  private readonly held = new LinkedList<HeldSnapshot>()
  /** Their sequence numbers, ascending; each as often as it is held. */
  private readonly inOrder: Array<number> = []

  constructor(private readonly now: () => number) {}

  take(sequence: number, origin: Origin | undefined): HeldSnapshot {
    const { inOrder } = this
    // Mostly the newest of all.
    if ((inOrder.at(-1) ?? 0) <= sequence) inOrder.push(sequence)
    else inOrder.splice(this.firstFrom(sequence), 0, sequence)
    const snapshot = new HeldSnapshot(sequence, this.now(), origin)
    this.held.add(snapshot)
    return snapshot
  }

  remove(snapshot: Snapshot): void {
    if (!this.has(snapshot) || !this.held.remove(snapshot)) return
    if (this.inOrder.at(-1) === snapshot.sequence) this.inOrder.pop()
    else this.inOrder.splice(this.firstFrom(snapshot.sequence), 1)
  }

  has(snapshot: Snapshot): snapshot is HeldSnapshot {
    return snapshot instanceof HeldSnapshot && this.held.has(snapshot)
  }

  /** When a snapshot that is held was taken. */
  timeOf(snapshot: Snapshot): number {
    return this.has(snapshot) ? snapshot.takenAt : 0
  }

  /** When the oldest one was taken; infinite if there is none. */
  get oldestTime(): number {
    return this.held.oldest?.takenAt ?? Number.POSITIVE_INFINITY
  }

  get count(): number {
    return this.held.size
  }

  /** The sequence numbers, ascending. */
  get sequences(): ReadonlyArray<number> {
    return this.inOrder.filter((sequence, i) => sequence !== this.inOrder[i - 1])
  }

  /** Whether one of them is in [from, to). */
  isAnyIn(from: number, to: number): boolean {
    const next = this.inOrder[this.firstFrom(from)]
    return next !== undefined && next < to
  }

  /** The index of the first one at or above a sequence number. */
  private firstFrom(sequence: number): number {
    const { inOrder } = this
    let low = 0
    let high = inOrder.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (inOrder[middle]! < sequence) low = middle + 1
      else high = middle
    }
    return low
  }

  /** For how many milliseconds the oldest one has been held; 0 if there is none. */
  get age(): number {
    const { oldest } = this.held
    return oldest === undefined ? 0 : Math.max(0, this.now() - oldest.takenAt)
  }

  /** Those that are older than `limit` milliseconds. Each is returned once. */
  takeOverdue(limit: number): ReadonlyArray<HeldSnapshot> {
    const overdue: Array<HeldSnapshot> = []
    const now = this.now()
    for (const held of this.held) {
      // They are in the order in which they were taken.
      if (now - held.takenAt <= limit) break
      if (held.wasReported) continue
      held.wasReported = true
      overdue.push(held)
    }
    return overdue
  }
}
