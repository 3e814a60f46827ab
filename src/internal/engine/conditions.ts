import type * as Effect from "effect/Effect"
import { keyText } from "../../core/commit/keyText.js"
import { Linked, LinkedList } from "../../core/commit/linkedList.js"
import { notKept, RecentWrites, type TextRange } from "../../core/commit/recentWrites.js"
import type { WriteError } from "../../LsmError.js"
import type { Bytes } from "../../Store.js"
import { type Engine, toBytes } from "./engine.js"
import type { NewestValue, Reads } from "./reads.js"

/** The newest write of a key. */
export interface Newest extends NewestValue {
  /** Whether readers see it already. */
  readonly isApplied: boolean
}

/** The sequence number at which an open transaction reads. */
export class OpenSnapshot extends Linked {
  constructor(readonly sequence: number) {
    super()
  }
}

/**
 * What the conditions of writes see: every record that has its numbers, also those that wait for
 * their sync. So a condition is decided in the same synchronous stretch in which its write is
 * numbered, and writers share syncs all the same.
 *
 * Nothing is recorded before the first condition. From then on records are recorded that are not
 * applied at once, and all of them while transactions are open.
 */
export class Conditions {
  /** Recent writes of applied records take at most this many bytes of memory. Tests set it. */
  static mostRecentBytes = 64 * 1024 * 1024
  /** Records from this sequence number on are recorded. */
  private since: number | undefined
  private readonly transactions = new LinkedList<OpenSnapshot>()
  private readonly recent: RecentWrites

  constructor(
    private readonly engine: Engine,
    private readonly reads: Reads
  ) {
    this.recent = new RecentWrites(Conditions.mostRecentBytes)
  }

  /** Records a record that has been numbered. Its payload is `bytes[start, end)`. */
  numbered(bytes: Uint8Array, start: number, end: number, isApplied: boolean): void {
    if (this.since === undefined || (isApplied && this.transactions.size === 0)) return
    try {
      this.recent.add(bytes, start, end)
      this.settle()
    } catch {
      // No memory. The record stands, so conditions that need to know of it must not be decided.
      this.recent.floor = this.engine.nextSequence - 1
      this.since = this.engine.nextSequence
    }
  }

  /**
   * Returns undefined if all records that are not applied are known. Otherwise the caller waits for
   * the Effect, and asks again.
   */
  untilKnown(): Effect.Effect<void, WriteError> | undefined {
    const { engine } = this
    this.since ??= engine.nextSequence
    return engine.visibleSequence >= this.since - 1 ? undefined : this.untilApplied()
  }

  /**
   * The same for a transaction that runs again: a snapshot that does not see what it conflicted with
   * would conflict again.
   */
  untilSeen(): Effect.Effect<void, WriteError> | undefined {
    const { engine } = this
    return engine.visibleSequence < engine.nextSequence - 1 ? this.untilApplied() : undefined
  }

  /** Waits until all records that have numbers are applied. */
  untilApplied(): Effect.Effect<void, WriteError> {
    return this.engine.parts.wal.sync
  }

  /**
   * The newest write of a key. Undefined if its value can be read only when it is applied: see
   * `untilApplied`. Call it only if `untilKnown` returns undefined.
   *
   * @throws InvalidArgument, StorageFailure and others that a read throws
   */
  newest(key: Bytes): Newest | undefined {
    this.settle()
    const bytes = toBytes(key, "key")
    const write = this.recent.find(keyText(bytes, 0, bytes.length))
    if (write === undefined || write.sequence <= this.engine.visibleSequence) {
      return { ...this.reads.newest(bytes), isApplied: true }
    }
    const { expiresAt, sequence, value } = write
    if (value === notKept) return undefined
    if (value === undefined || this.hasExpired(expiresAt)) {
      return { version: 0, value: undefined, expiresAt: undefined, isApplied: false }
    }
    return { version: sequence, value: value.slice(), expiresAt, isApplied: false }
  }

  /** The version of `newest`, which is always known. */
  newestVersion(key: Uint8Array): Pick<Newest, "version" | "isApplied"> {
    this.settle()
    const write = this.recent.find(keyText(key, 0, key.length))
    if (write === undefined || write.sequence <= this.engine.visibleSequence) {
      return { version: this.reads.newestVersion(key), isApplied: true }
    }
    const isAbsent = write.value === undefined || this.hasExpired(write.expiresAt)
    return { version: isAbsent ? 0 : write.sequence, isApplied: false }
  }

  private hasExpired(expiresAt: number | undefined): boolean {
    return expiresAt !== undefined && expiresAt <= this.engine.time()
  }

  /** Begins to record what a transaction that reads at a snapshot needs to know. */
  begin(sequence: number): OpenSnapshot {
    const snapshot = new OpenSnapshot(sequence)
    this.transactions.add(snapshot)
    return snapshot
  }

  /** Ends what `begin` began. It may have ended before. */
  end(snapshot: OpenSnapshot): void {
    if (this.transactions.remove(snapshot)) this.settle()
  }

  /** Whether it is no longer known what was written since a snapshot. */
  isForgotten(snapshot: number): boolean {
    return snapshot < this.recent.floor
  }

  /** Whether a key was written after a snapshot. */
  wasWritten(key: string, snapshot: number): boolean {
    return (this.recent.find(key)?.sequence ?? 0) > snapshot
  }

  /** How many records came after a sequence number. */
  recordsAfter(sequence: number): number {
    return this.recent.countAfter(sequence)
  }

  /** See `RecentWrites.findIn`. */
  writtenIn(ranges: ReadonlyArray<TextRange>, sequence: number, most?: number): string | number {
    return this.recent.findIn(ranges, sequence, most)
  }

  private settle(): void {
    const { recent, transactions, engine } = this
    if (recent.size === 0) return
    recent.settle(engine.visibleSequence, transactions.oldest?.sequence ?? Number.POSITIVE_INFINITY)
  }
}
