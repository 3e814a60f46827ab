import { Buffer } from "node:buffer"
import { keyBytes } from "../../core/commit/keyText.js"
import { addRange, isInRanges, type TextRange } from "../../core/commit/recentWrites.js"
import type { Entry } from "../../Store.js"
import type { WriteBatch } from "../../WriteBatch.js"

/** A write of a transaction. An undefined value is a deletion. */
export interface OwnWrite {
  /** The key as a text; see `keyText`. */
  readonly key: string
  readonly value: Uint8Array | undefined
  /** When the value expires; undefined if it does not. */
  readonly expiresAt: number | undefined
}

/** A moment to which the writes of a transaction can go back. */
export interface Savepoint {
  /** Undoes all later writes. */
  readonly undo: () => void
  /** Keeps them. Call it or `undo` once. */
  readonly release: () => void
}

/**
 * The writes of a transaction: the last one of each key, and the ranges that were deleted before these
 * writes. A range takes the writes in it with it, so all ranges come first.
 */
export class WriteSet {
  private writes = new Map<string, OwnWrite>()
  /** In order, and disjoint. */
  private deleted: ReadonlyArray<TextRange> = []
  private sorted: ReadonlyArray<OwnWrite> | undefined
  /** What undoes each write since the oldest savepoint, in order. Copies of `writes` would cost as much as all before them. */
  private undos: Array<() => void> = []
  /** How many of `undos` were there at each open savepoint. */
  private readonly savepoints = new Set<{ length: number }>()

  get isEmpty(): boolean {
    return this.writes.size === 0 && this.deleted.length === 0
  }

  deleteRange(range: TextRange): void {
    const { deleted } = this
    if (this.savepoints.size > 0) this.undos.push(() => (this.deleted = deleted))
    this.deleted = addRange(deleted, range)
    for (const key of this.writes.keys()) {
      if (!isInRanges([range], key)) continue
      this.remember(key)
      this.writes.delete(key)
    }
    this.sorted = undefined
  }

  /** The ranges that are deleted now. A later one does not change the array. */
  get deletedRanges(): ReadonlyArray<TextRange> {
    return this.deleted
  }

  set(key: string, value: Uint8Array | undefined, expiresAt?: number): void {
    this.remember(key)
    this.writes.set(key, { key, value, expiresAt })
    this.sorted = undefined
  }

  private remember(key: string): void {
    if (this.savepoints.size === 0) return
    const before = this.writes.get(key)
    this.undos.push(() => (before === undefined ? this.writes.delete(key) : this.writes.set(key, before)))
  }

  savepoint(): Savepoint {
    const point = { length: this.undos.length }
    this.savepoints.add(point)
    const release = (): void => {
      this.savepoints.delete(point)
      if (this.savepoints.size === 0) this.undos = []
    }
    const undo = (): void => {
      while (this.undos.length > point.length) this.undos.pop()!()
      // Later savepoints, of other fibers, go back no further than to this one.
      for (const other of this.savepoints) other.length = Math.min(other.length, point.length)
      this.sorted = undefined
      release()
    }
    return { undo, release }
  }

  clear(): void {
    this.writes.clear()
    this.undos = []
    this.deleted = []
    this.sorted = undefined
  }

  find(key: string): OwnWrite | undefined {
    return (
      this.writes.get(key) ??
      (isInRanges(this.deleted, key) ? { key, value: undefined, expiresAt: undefined } : undefined)
    )
  }

  /** The writes now, in the order of their keys. A later write does not change the array. */
  inOrder(): ReadonlyArray<OwnWrite> {
    this.sorted ??= [...this.writes.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
    return this.sorted
  }

  /** Adds the writes to a batch. */
  addTo(batch: WriteBatch): void {
    for (const { start, end } of this.deleted) {
      batch.deleteRange({ start: keyBytes(start), end: end === undefined ? undefined : keyBytes(end) })
    }
    for (const { expiresAt, key, value } of this.writes.values()) {
      // The batch copies it.
      const bytes = Buffer.from(key, "latin1")
      if (value === undefined) batch.delete(bytes)
      else batch.put(bytes, value, expiresAt === undefined ? undefined : { expiresAt })
    }
  }
}

/** The entry of a write that is not a deletion. Both arrays belong to the caller. */
export const entryOf = ({ key, value }: OwnWrite): Entry => ({ key: keyBytes(key), value: value!.slice() })
