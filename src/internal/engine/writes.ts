/*
 * The write path.
 *
 *   caller's fiber                                  log (core/log/logWriter.ts)             memtable
 *   check -> admit -> check -> encode -> commit --> append -> sync, if it is wanted -----> apply -> visible -> caller resumes
 *                     `-- one stretch, no wait --'
 *
 * Check. `Writes` refuses invalid arguments, and every write to a closed, read-only or poisoned
 * store.
 *
 * Admit. A write waits if the store has to be made writable first, or if background work has fallen
 * behind (`mustWait` in internal/compactor/writeStalls.ts). It waits with copies of its bytes, and
 * then starts again with the check.
 *
 * Encode. The write gets the next sequence number, a batch one for each operation, and is encoded
 * as one record straight into the log's buffer.
 *
 * Commit. If no record waits in front, a buffered one is appended and applied at once, and an
 * interval one is applied at once. All other records join the group that is being filled. One
 * microtask later the group is appended to the segment, and synced if one of its records asks for
 * it. Records that come during a sync form the next group, which is appended and synced as one too.
 * There is no timer. A record is synced without a group, in the calling thread, if its fiber made
 * the last synced write too, the log is idle and the sync is expected to be short.
 *
 * Apply. The log calls `apply` (recover.ts): the memtable takes the record, and `visibleSequence`
 * moves to its last number. Then the log calls `settled`: if the memtable is full, memtable and log
 * segment are replaced by new ones (internal/compactor/rotation.ts).
 *
 * What must always hold:
 *
 *  1. Before a record is encoded the write has left nothing in log or memtable. A write that is
 *     refused, or interrupted while it waits for admission, has not happened.
 *  2. From the last check to the commit runs one synchronous stretch, so no other write comes
 *     between a number and its record. If encoding throws, the log has no record and the next write
 *     gets the number.
 *  3. A committed record runs to its end, even if its caller is interrupted.
 *  4. Sequence number order is log order, and log order is the order in which records are applied.
 *     A buffered record behind one that waits for its sync waits too.
 *  5. A record is applied only when its durability is met: "sync", when the log is on disk up to
 *     its end; "buffered", when the operating system has it; an interval, at once. An interval
 *     write asks for a sync within its interval, and counts as "sync" if too many bytes wait for
 *     one already.
 *  6. Readers see a record only after it was applied, so a batch, which is one record, is seen
 *     whole or not at all. The caller resumes after that, and reads what it wrote.
 *  7. A failed append or sync ends the log and is never tried again. All records that are not
 *     applied fail, and later writes fail with `StorePoisoned`. Which of the failed records are on
 *     disk is known only when the store is opened again.
 *  8. Memtable and segment are replaced in one synchronous stretch, when no record of that segment
 *     waits to be applied. A segment is removed only when all memtables with records of it are in
 *     tables that a durable manifest names.
 *  9. A condition of a write, such as a check of a batch or what a transaction has read, is decided
 *     in that stretch, against all records that have numbers (conditions.ts).
 * 10. Memory is bounded: writers wait when the memtable is full, when too many bytes wait in the
 *     log, or when level 0 has too many tables. Before that they yield to the event loop
 *     (`unsafePace`), so that background work keeps up.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { encodeUtf8Into, illFormed, Utf8Scratch } from "../../core/bytes/bytes.js"
import { EntryKind } from "../../core/cursor/entryKind.js"
import { expirySize } from "../../core/cursor/expiry.js"
import {
  applyOperations,
  batchHeaderSize,
  operationSize,
  writeBatchHeader,
  writeExpiringPut,
  writeOperation
} from "../../core/log/batchFormat.js"
import { frameHeaderSize } from "../../core/log/frame.js"
import { CommitMode, type Done } from "../../core/log/logWriter.js"
import { Conflict, fromFailure, InvalidArgument, LimitExceeded, type WriteError } from "../../LsmError.js"
import { resolveDurability, type Settings } from "../../LsmOptions.js"
import type { Bytes, PutOptions, Range, WriteOptions } from "../../Store.js"
import type { Check } from "../../WriteBatch.js"
import { WriteBatch, writeTimes } from "../../WriteBatch.js"
import { callback } from "../effect/callback.js"
import { currentFiberId } from "../effect/fiberState.js"
import { Immediate, immediate, Later, type YieldBudget } from "../effect/immediate.js"
import { expiryAt, resolveExpiry } from "../expiry/expiry.js"
import type { Conditions } from "./conditions.js"
import { type Engine, illFormedString, toDeletedRange, toReadError } from "./engine.js"
import type { IntervalSync } from "./intervalSync.js"

type Resume = (effect: Effect.Effect<void, WriteError>) => void

/** A durability as the hot path takes it. */
interface Policy {
  readonly mode: number
  readonly maxBytes: number
  readonly millis: number
}

const toPolicy = (durability: Settings["durability"]): Policy =>
  durability === "sync"
    ? { mode: CommitMode.sync, maxBytes: 0, millis: 0 }
    : durability === "buffered"
      ? { mode: CommitMode.buffered, maxBytes: 0, millis: 0 }
      : { mode: CommitMode.interval, maxBytes: durability.maxBytes, millis: Duration.toMillis(durability.interval) }

const syncPolicy = toPolicy("sync")
const bufferedPolicy = toPolicy("buffered")

/** Used instead of a fiber's number. */
const noWriter = -1

/** Used instead of the start time of a write that is not measured. */
const notSampled = -1

/** The record of a batch is one buffer, and its frame has a 32-bit length. */
export const maxBatchBytes = 1024 * 1024 * 1024

/**
 * Puts, deletes and batches. The overview at the head of this file describes their path.
 */
export class Writes {
  private readonly defaultPolicy: Policy
  private keyScratch: Uint8Array
  private readonly valueScratch = new Utf8Scratch()
  private keyBytes: Uint8Array
  private keyLength = 0
  private untilSample = 1
  /** The fiber that made the last synced write. */
  private lastWriter = noWriter

  constructor(
    private readonly engine: Engine,
    private readonly intervalSync: IntervalSync,
    private readonly conditions: Conditions
  ) {
    const { settings } = engine.parts
    this.defaultPolicy = toPolicy(settings.durability)
    this.keyScratch = new Uint8Array(256)
    this.keyBytes = this.keyScratch
  }

  readonly put = (key: Bytes, value: Bytes, options?: PutOptions): Effect.Effect<void, WriteError> =>
    new Put(this, key, value, options)

  readonly delete = (key: Bytes, options?: WriteOptions): Effect.Effect<void, WriteError> =>
    immediate(this.yieldBudget, () => this.deleteNow(key, options))

  readonly deleteRange = (range: Range, options?: WriteOptions): Effect.Effect<void, WriteError> =>
    immediate(this.yieldBudget, () => {
      try {
        const { start, end } = toDeletedRange(range)
        return this.writeNow(new WriteBatch().deleteRange({ start, end }), options)
      } catch (failure) {
        if (failure instanceof InvalidArgument) return Effect.fail(failure)
        throw failure
      }
    })

  readonly deletePrefix = (prefix: Bytes, options?: WriteOptions): Effect.Effect<void, WriteError> =>
    typeof prefix === "string" || prefix instanceof Uint8Array
      ? this.deleteRange({ prefix }, options)
      : invalid("prefix", "is neither a string nor a Uint8Array")

  readonly write = (batch: WriteBatch, options?: WriteOptions): Effect.Effect<void, WriteError> =>
    immediate(this.yieldBudget, () => this.writeNow(batch, options))

  get yieldBudget(): YieldBudget {
    return this.engine.yieldBudget
  }

  putNow(key: Bytes, value: Bytes, options: PutOptions | undefined): Effect.Effect<void, WriteError> {
    const { engine } = this
    const refusal = engine.writeRefusal() ?? this.takeKey(key)
    if (refusal !== undefined) return Effect.fail(refusal)
    const { settings, wal, metrics } = engine.parts
    let bytes: Uint8Array | undefined
    if (typeof value === "string") bytes = this.valueScratch.encode(value)
    else if (value instanceof Uint8Array) bytes = value
    else return invalid("value", "is neither a string nor a Uint8Array")
    if (bytes === undefined) return Effect.fail(illFormedString("value"))
    if (bytes.length > settings.maxValueBytes) {
      return exceeding("valueBytes", bytes.length, settings.maxValueBytes)
    }
    const policy = this.policyOf(options)
    if (policy instanceof InvalidArgument) return Effect.fail(policy)
    const expiry = options === undefined ? undefined : resolveExpiry(options)
    if (expiry instanceof InvalidArgument) return Effect.fail(expiry)
    if (this.mustWait()) {
      const [ownKey, ownValue] = [owned(key), owned(value)]
      return this.waitThen(() => this.putNow(ownKey, ownValue, options))
    }
    const { keyLength } = this
    const valueLength = expiry === undefined ? bytes.length : expirySize + bytes.length
    const size = batchHeaderSize + operationSize(keyLength, valueLength)
    const at = wal.unsafeReserve(size)
    const buffer = wal.unsafeBuffer()
    const body = writeBatchHeader(buffer, at, engine.nextSequence, 1)
    if (expiry === undefined) writeOperation(buffer, body, this.keyBytes, keyLength, bytes)
    else writeExpiringPut(buffer, body, this.keyBytes, keyLength, bytes, expiryAt(expiry, engine.time()))
    if (bytes.length >= settings.valueThreshold) {
      wal.unsafeMarkValue?.(at + size - bytes.length, at + size, engine.nextSequence)
    }
    metrics.puts.add(1)
    return this.commit(policy, 1, at, size, keyLength + bytes.length, --this.untilSample <= 0)
  }

  deleteNow(key: Bytes, options: WriteOptions | undefined): Effect.Effect<void, WriteError> {
    const { engine } = this
    const refusal = engine.writeRefusal() ?? this.takeKey(key)
    if (refusal !== undefined) return Effect.fail(refusal)
    const { wal, metrics } = engine.parts
    const policy = this.policyOf(options)
    if (policy instanceof InvalidArgument) return Effect.fail(policy)
    if (this.mustWait()) {
      const ownKey = owned(key)
      return this.waitThen(() => this.deleteNow(ownKey, options))
    }
    const { keyLength } = this
    const size = batchHeaderSize + operationSize(keyLength, -1)
    const at = wal.unsafeReserve(size)
    const buffer = wal.unsafeBuffer()
    const body = writeBatchHeader(buffer, at, engine.nextSequence, 1)
    writeOperation(buffer, body, this.keyBytes, keyLength, undefined)
    metrics.deletes.add(1)
    return this.commit(policy, 1, at, size, keyLength, false)
  }

  /**
   * `decide` is called when nothing can come between any more: it returns an Effect if the batch must
   * not be written now.
   */
  writeNow<E = never>(
    batch: WriteBatch,
    options: WriteOptions | undefined,
    decide?: () => Effect.Effect<void, WriteError | E> | undefined
  ): Effect.Effect<void, WriteError | E> {
    const { engine } = this
    const refusal = engine.writeRefusal()
    if (refusal !== undefined) return Effect.fail(refusal)
    if (!(batch instanceof WriteBatch)) return invalid("batch", "is not a WriteBatch")
    const { settings, wal, metrics } = engine.parts
    const { length, dataBytes, longestKey, longestValue, fault, deletes, checks, ttls } = batch.encoded
    if (fault !== undefined) return invalid("batch", fault)
    if (longestKey > settings.maxKeyBytes) {
      return exceeding("keyBytes", longestKey, settings.maxKeyBytes)
    }
    if (longestValue > settings.maxValueBytes) {
      return exceeding("valueBytes", longestValue, settings.maxValueBytes)
    }
    if (length > maxBatchBytes) return exceeding("batchBytes", length, maxBatchBytes)
    const policy = this.policyOf(options)
    if (policy instanceof InvalidArgument) return Effect.fail(policy)
    if (batch.size === 0 && checks.length === 0 && decide === undefined) return Effect.void
    /** The caller may change the batch while it waits. */
    const later = (): (() => Effect.Effect<void, WriteError | E>) => {
      const ownBatch = batch.copy()
      return () => this.writeNow(ownBatch, options, decide)
    }
    if (this.mustWait()) return this.waitThen(later())
    if (checks.length > 0) {
      const unknown = this.conditions.untilKnown()
      if (unknown !== undefined) return Effect.zipRight(unknown, Effect.suspend(later()))
    }
    const refused = decide?.() ?? this.decideChecks(checks, batch.size === 0)
    if (refused !== undefined) return refused
    if (batch.size === 0) return Effect.void
    const size = batchHeaderSize + length
    const at = wal.unsafeReserve(size)
    const buffer = wal.unsafeBuffer()
    const body = writeBatchHeader(buffer, at, engine.nextSequence, batch.size)
    batch.copyTo(buffer, body)
    if (ttls.length > 0) writeTimes(buffer, body, ttls, engine.time())
    if (longestValue >= settings.valueThreshold) this.markValues(buffer, body, at + size, batch.size)
    metrics.batches.add(1)
    metrics.puts.add(batch.size - deletes)
    metrics.deletes.add(deletes)
    return this.commit(policy, batch.size, at, size, dataBytes, false)
  }

  /** Tells the log where the large values of the batch at `bytes[start, end)` of its buffer are. */
  private markValues(bytes: Uint8Array, start: number, end: number, operations: number): void {
    const { nextSequence, parts } = this.engine
    const { settings, wal } = parts
    const mark = wal.unsafeMarkValue
    if (mark === undefined) return
    applyOperations(bytes, start, end, nextSequence, operations, {
      insert: (sequence, kind, _bytes, _keyStart, _keyEnd, valueStart, valueEnd) => {
        const from = kind === EntryKind.expiringValue ? valueStart + expirySize : valueStart
        if (kind !== EntryKind.rangeDeletion && valueEnd - from >= settings.valueThreshold) {
          mark(from, valueEnd, sequence)
        }
      }
    })
  }

  /** Commits the record that was just encoded at `at` of the log's buffer. */
  private commit(
    policy: Policy,
    operations: number,
    at: number,
    size: number,
    userBytes: number,
    sampled: boolean
  ): Effect.Effect<void, WriteError> {
    const { engine } = this
    const { settings, wal, metrics, compactor, storage } = engine.parts
    metrics.userBytes.add(userBytes)
    metrics.logBytes.add(frameHeaderSize + size)
    let { mode } = policy
    if (mode === CommitMode.interval) {
      if (wal.unsafeUnsyncedBytes() >= policy.maxBytes) mode = CommitMode.sync
      else this.intervalSync.unsafeRequest(policy.millis)
    }
    const started = sampled ? metrics.unsafeNow() : notSampled
    if (sampled) this.untilSample = settings.latencySampling
    const alone = mode === CommitMode.sync && this.isAlone()
    // The log may take another buffer then.
    const buffer = wal.unsafeBuffer()
    let waiting: Waiting | undefined
    let isApplied = wal.unsafeCommitNow(mode, alone)
    if (!isApplied) {
      waiting = new Waiting(this, started)
      isApplied = wal.unsafeCommit(mode, waiting.done)
    }
    // Last, so that a throw before this leaves the numbers to the next record.
    engine.nextSequence += operations
    this.conditions.numbered(buffer, at, at + size, isApplied)
    const wait = isApplied || waiting === undefined ? this.ended(started) : waiting.effect
    return compactor.unsafePace(size) ? Effect.zipRight(wait, storage.yieldToEventLoop) : wait
  }

  /**
   * Whether the same fiber made the last synced write. Then no other writer is likely to share a
   * sync.
   */
  private isAlone(): boolean {
    if (this.engine.parts.wal.unsafeIsBusy()) {
      this.lastWriter = noWriter
      return false
    }
    const id = currentFiberId()
    if (id === undefined) return false
    const alone = id === this.lastWriter
    this.lastWriter = id
    return alone
  }

  ended(started: number): Effect.Effect<void> {
    const { metrics } = this.engine.parts
    if (started !== notSampled) metrics.putLatency.record((metrics.unsafeNow() - started) / 1e9)
    return Effect.void
  }

  /**
   * Returns why a batch must not be written, or undefined if all its checks hold. A batch of checks
   * alone (`isEmpty`) ends when readers see what the checks have seen.
   */
  private decideChecks(checks: ReadonlyArray<Check>, isEmpty: boolean): Effect.Effect<void, WriteError> | undefined {
    const { conditions } = this
    let allApplied = true
    try {
      for (const { key, version: expected } of checks) {
        const { version, isApplied } = conditions.newestVersion(key)
        allApplied &&= isApplied
        if (version === (expected === "absent" ? 0 : expected)) continue
        const actual = version === 0 ? "absent" : version
        const conflict = Effect.fail(new Conflict({ key: key.slice(), expected, actual }))
        // A read after the conflict must see the version that the conflict names.
        return isApplied ? conflict : Effect.zipRight(conditions.untilApplied(), conflict)
      }
    } catch (failure) {
      return Effect.fail(toReadError(failure))
    }
    return isEmpty && !allApplied ? conditions.untilApplied() : undefined
  }

  /** Whether a write must wait before it begins. */
  mustWait(): boolean {
    const { engine } = this
    return !engine.isActive || engine.parts.compactor.unsafeMustWait()
  }

  /** Returns why a key cannot be written, or undefined. */
  refusalOf(key: Bytes): WriteError | undefined {
    return this.engine.writeRefusal() ?? this.takeKey(key)
  }

  /**
   * Waits for activation and admission, then starts again with the check: the store may be closed
   * by then.
   */
  waitThen<A, E>(again: () => Effect.Effect<A, E>): Effect.Effect<A, E | WriteError> {
    const { engine } = this
    return Effect.zipRight(engine.whenActive(engine.parts.compactor.awaitAdmission), Effect.suspend(again))
  }

  /** Encodes the key into `keyBytes` and `keyLength`. */
  private takeKey(key: Bytes): InvalidArgument | LimitExceeded | undefined {
    const most = this.engine.parts.settings.maxKeyBytes
    if (typeof key === "string") {
      if (key.length * 3 > this.keyScratch.length) this.keyScratch = new Uint8Array(Math.min(key.length, most) * 3)
      this.keyBytes = this.keyScratch
      this.keyLength = key.length <= most ? encodeUtf8Into(key, this.keyScratch, 0) : key.length
    } else if (key instanceof Uint8Array) {
      this.keyBytes = key
      this.keyLength = key.length
    } else {
      return new InvalidArgument({ argument: "key", reason: "is neither a string nor a Uint8Array" })
    }
    if (this.keyLength === illFormed) return illFormedString("key")
    return this.keyLength <= most
      ? undefined
      : new LimitExceeded({ limit: "keyBytes", actual: typeof key === "string" ? undefined : key.length, most })
  }

  private policyOf(options: WriteOptions | undefined): Policy | InvalidArgument {
    const durability = options?.durability
    if (durability === undefined) return this.defaultPolicy
    if (durability === "sync") return syncPolicy
    if (durability === "buffered") return bufferedPolicy
    try {
      return toPolicy(resolveDurability(durability, "durability"))
    } catch (error) {
      if (error instanceof InvalidArgument) return error
      throw error
    }
  }
}

/** Copies bytes for a write that waits: the caller may change them before the write continues. */
export const owned = (bytes: Bytes): Bytes => (typeof bytes === "string" ? bytes : new Uint8Array(bytes))

/** A put. A class, because puts are so frequent that a closure for each costs. */
class Put extends Immediate<void, WriteError> {
  constructor(
    private readonly writes: Writes,
    private readonly key: Bytes,
    private readonly value: Bytes,
    private readonly options: PutOptions | undefined
  ) {
    super()
  }

  protected override get budget(): YieldBudget {
    return this.writes.yieldBudget
  }

  override evaluate(): undefined | Later<void, WriteError> {
    const effect = this.writes.putNow(this.key, this.value, this.options)
    return effect === Effect.void ? undefined : new Later(effect)
  }
}

const invalid = (argument: string, reason: string): Effect.Effect<never, InvalidArgument> =>
  Effect.fail(new InvalidArgument({ argument, reason }))

const exceeding = (limit: LimitExceeded["limit"], actual: number, most: number): Effect.Effect<never, LimitExceeded> =>
  Effect.fail(new LimitExceeded({ limit, actual, most }))

/** Connects the log's callback with the fiber that waits for it, whichever comes first. */
class Waiting {
  private resume: Resume | undefined
  private outcome: Effect.Effect<void, WriteError> | undefined

  constructor(
    private readonly writes: Writes,
    private readonly started: number
  ) {}

  readonly done: Done = (failure) => {
    const outcome = failure === undefined ? this.end() : Effect.fail(fromFailure(failure))
    if (this.resume !== undefined) this.resume(outcome)
    else this.outcome = outcome
  }

  /** Never throws: a throw would end the log, and other records wait behind this one. */
  private end(): Effect.Effect<void> {
    try {
      return this.writes.ended(this.started)
    } catch (defect) {
      return Effect.die(defect)
    }
  }

  get effect(): Effect.Effect<void, WriteError> {
    return callback<void, WriteError>((resume) => {
      if (this.outcome !== undefined) resume(this.outcome)
      else this.resume = resume
    })
  }
}
