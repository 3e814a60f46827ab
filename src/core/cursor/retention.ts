import { equalRange } from "../bytes/bytes.js"
import { EntryKind } from "../cursor/entryKind.js"
import { Coverage } from "../ranges/coverage.js"
import { type MergeRanges, type RangeDeletion, rangeDeletionOf } from "../ranges/rangeDeletion.js"
import { expires, readExpiry } from "./expiry.js"
import type { InternalCursor } from "./internalCursor.js"

/** Decides which entries a flush or a compaction keeps. */
export interface RetentionPolicy {
  /** Whether the entry is kept. Call it for every entry, in order. */
  keeps(entry: InternalCursor): boolean
  /**
   * Whether the entry that was kept last has expired for all readers: a deletion takes its place. Default
   * no.
   */
  readonly hasExpired?: boolean | undefined
}

export interface RetentionOptions {
  /** Range deletions that may cover entries. Those among the entries need not be here. Default none. */
  readonly ranges?: ReadonlyArray<RangeDeletion> | undefined
  /** Whether a range deletion covers no entry in any other place. Default: none does so. */
  readonly isDone?: ((sequence: number) => boolean) | undefined
  /** Entries that expire until then have expired for all readers. Default 0. */
  readonly expiredUntil?: number | undefined
}

/** The same options for a merge. */
export const retentionOf = (ranges: MergeRanges | undefined, expiredUntil: number | undefined): RetentionOptions => {
  if (ranges === undefined) return { expiredUntil }
  const done = new Set(ranges.done)
  return { ranges: ranges.covering, isDone: (sequence) => done.has(sequence), expiredUntil }
}

/**
 * Decides which versions a flush or a compaction must keep. An entry that has expired is a tombstone. A version is superseded, and dropped,
 * if its key has a newer version or a later range deletion, and every snapshot that sees the old one
 * sees a newer one too. A tombstone is dropped only if nothing below it can hold its key (`isBottom`)
 * and no snapshot is older than it. A range deletion is dropped if it is done, or if later ones cover
 * its range.
 *
 * Entries come in the order of their keys, so a range deletion comes before the keys that it covers.
 */
export class Retention implements RetentionPolicy {
  hasExpired = false
  private key = new Uint8Array(256)
  private keyLength = -1
  /** The sequence number of the last version of this key that was not superseded. */
  private boundary = Number.POSITIVE_INFINITY
  private readonly coverage = new Coverage()
  private readonly separates = (from: number, to: number): boolean => this.snapshotIn(from, to)

  /** `snapshots`: the sequence numbers that readers hold, in ascending order. */
  constructor(
    private readonly snapshots: ReadonlyArray<number>,
    private readonly isBottom: (bytes: Uint8Array, start: number, end: number) => boolean,
    private readonly options: RetentionOptions = {}
  ) {
    for (const range of options.ranges ?? []) this.coverage.add(range, this.separates)
  }

  keeps(entry: InternalCursor): boolean {
    const { keyBytes, keyStart, keyEnd, kind, sequence } = entry
    const length = keyEnd - keyStart
    const sameKey = equalRange(keyBytes, keyStart, keyEnd, this.key, 0, this.keyLength)
    if (!sameKey) {
      if (length > this.key.length) this.key = new Uint8Array(length * 2)
      for (let i = 0; i < length; i++) this.key[i] = keyBytes[keyStart + i]!
      this.keyLength = length
      this.boundary = Number.POSITIVE_INFINITY
    }
    this.hasExpired = false
    if (kind === EntryKind.rangeDeletion) return this.keepsRange(entry)
    const isSuperseded = sameKey && !this.snapshotIn(sequence, this.boundary)
    if (isSuperseded || this.isCovered(keyBytes, keyStart, keyEnd, sequence)) return false
    this.boundary = sequence
    this.hasExpired =
      expires(kind) && readExpiry(entry.valueBytes, entry.valueStart) <= (this.options.expiredUntil ?? 0)
    const isDeletion = kind === EntryKind.deletion || this.hasExpired
    return !(isDeletion && this.isSeenByAll(sequence) && this.isBottom(keyBytes, keyStart, keyEnd))
  }

  /** It counts as a version of its first key, which it covers too. */
  private keepsRange(entry: InternalCursor): boolean {
    const { keyBytes, keyStart, keyEnd, sequence, valueBytes, valueStart, valueEnd } = entry
    const range = rangeDeletionOf(sequence, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd)
    const isNeeded = !this.coverage.supersedes(range, this.separates)
    this.coverage.add(range, this.separates)
    return isNeeded && !(this.options.isDone?.(sequence) === true && this.isSeenByAll(sequence))
  }

  private isCovered(bytes: Uint8Array, start: number, end: number, sequence: number): boolean {
    const { coverage } = this
    if (coverage.isEmpty) return false
    const until = coverage.oldestAfter(bytes, start, end, sequence)
    return until !== Number.POSITIVE_INFINITY && !this.snapshotIn(sequence, until)
  }

  /** Whether no snapshot is older than a write. */
  private isSeenByAll(sequence: number): boolean {
    const { snapshots } = this
    return snapshots.length === 0 || snapshots[0]! >= sequence
  }

  /** Whether any snapshot is in [from, to): it sees a version at `from`, but not one at `to`. */
  private snapshotIn(from: number, to: number): boolean {
    const { snapshots } = this
    let low = 0
    let high = snapshots.length
    // The first snapshot at or above `from`.
    while (low < high) {
      const middle = (low + high) >>> 1
      if (snapshots[middle]! < from) low = middle + 1
      else high = middle
    }
    return low < snapshots.length && snapshots[low]! < to
  }
}
