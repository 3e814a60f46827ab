import * as Effect from "effect/Effect"
import type { CompactorService } from "../../Compactor.js"
import { compare, encodeUtf8, prefixEnd } from "../../core/bytes/bytes.js"
import { DeletedGaps } from "../../core/cursor/deletedGaps.js"
import type { KeyRange } from "../../core/cursor/visibleCursor.js"
import type { PinnedVersion } from "../../core/manifest/versionSet.js"
import {
  Corruption,
  DiskFull,
  type FileError,
  fromFailure,
  InvalidArgument,
  type ReadError,
  StorageError,
  StoreClosed,
  StorePoisoned,
  StoreReadOnly,
  UnsupportedFormat,
  type WriteError
} from "../../LsmError.js"
import type { Settings } from "../../LsmOptions.js"
import type { ManifestService } from "../../Manifest.js"
import type { MemtableService } from "../../Memtable.js"
import type { MetricsService } from "../../Metrics.js"
import type { SSTableStoreService } from "../../SSTableStore.js"
import type { StorageService } from "../../Storage.js"
import type { Bytes, Range, ReadOptions, Snapshot } from "../../Store.js"
import type { WalService } from "../../Wal.js"
import { rangeFault } from "../../WriteBatch.js"
import { Gate } from "../effect/gate.js"
import { immediate, YieldBudget } from "../effect/immediate.js"
import { EventHub } from "../events/eventHub.js"
import { HeldSnapshots, type Origin } from "./heldSnapshots.js"
import { OpenHandles } from "./openHandles.js"
import { RangeDeletions } from "./rangeDeletions.js"

export interface EngineParts {
  readonly settings: Settings
  readonly storage: StorageService
  readonly metrics: MetricsService
  readonly manifest: ManifestService
  readonly wal: WalService
  readonly memtable: MemtableService
  readonly tables: SSTableStoreService
  readonly compactor: CompactorService
}

/** A reader of the feed sees a write that nobody else syncs within about so many milliseconds. */
const feedSyncMillis = 20

/**
 * The state of one open store: its components, sequence numbers and snapshots, and whether it is
 * open.
 */
export class Engine {
  closed = false
  /** Whether the manifest and the log are writable and background work has been started. */
  isActive = false
  /** Activates the store if it is not active. */
  activate: Effect.Effect<void, WriteError> = Effect.void
  /** Why the store takes no more writes. */
  poison: FileError | undefined
  /** The sequence number of the next operation. */
  nextSequence = 1
  /** The newest sequence number that readers see. */
  visibleSequence = 0
  /** Notified when more of the log is durable, and when the store closes or takes no more writes. */
  readonly durable = new Gate()
  /** Whether a reader of the feed waits, so that what is written is to be synced soon. */
  wantsSync = false
  /** Set when the store is open. */
  requestSync: (millis: number) => void = () => undefined
  readonly yieldBudget = new YieldBudget()
  readonly gaps = new DeletedGaps(() => this.visibleSequence)
  readonly hub: EventHub
  readonly snapshots: HeldSnapshots
  readonly ranges: RangeDeletions
  /** Closes the cursors and snapshots that users close by hand. */
  private readonly openByHand = new OpenHandles()

  private latestTime = 0

  /** `now` is the time in milliseconds. */
  constructor(
    readonly parts: EngineParts,
    private readonly now: () => number
  ) {
    this.hub = new EventHub(now)
    this.snapshots = new HeldSnapshots(() => this.time())
    this.ranges = new RangeDeletions(parts, (from, to) => this.snapshots.isAnyIn(from, to))
  }

  /** The time in milliseconds. It does not go back when the clock does: what has expired stays so. */
  time(): number {
    const now = this.now()
    if (now > this.latestTime) this.latestTime = now
    return this.latestTime
  }

  /** Takes the time that the store was last seen at. */
  recoverTime(recorded: number): void {
    this.latestTime = Math.max(this.latestTime, recorded)
  }

  /** Entries that expire until then have expired for all readers. */
  expiredUntil(): number {
    return Math.min(this.time(), this.snapshots.oldestTime)
  }

  /** The time at which to read. */
  timeFor(options: ReadOptions | undefined): number {
    const snapshot = options?.snapshot
    return snapshot === undefined ? this.time() : this.snapshots.timeOf(snapshot)
  }

  /** Ends writing. */
  readonly poisonWith = (failure: FileError): void => {
    if (this.poison === undefined) {
      this.poison = failure
      this.hub.emit(() => ({ _tag: "Poisoned", reason: failure.message, error: failure }))
    }
    this.durable.notify()
    this.parts.compactor.unsafeNotify()
  }

  /** Returns why the store cannot be read, or undefined. */
  readRefusal(): StoreClosed | undefined {
    return this.closed ? new StoreClosed({ directory: this.parts.settings.directory }) : undefined
  }

  /** Returns why the store cannot be written, or undefined. */
  writeRefusal(): StoreClosed | StorePoisoned | StoreReadOnly | undefined {
    if (this.closed) return this.readRefusal()
    const { directory, readOnly } = this.parts.settings
    if (readOnly) return new StoreReadOnly({ directory })
    if (this.poison === undefined) return undefined
    return new StorePoisoned({ directory, reason: this.poison.message })
  }

  /** Has what was written synced soon, for readers of the feed. */
  syncSoon(): void {
    this.wantsSync = false
    this.requestSync(feedSyncMillis)
  }

  /** Runs synchronous reading. Failures that it throws become errors. */
  read<A>(evaluate: () => A): Effect.Effect<A, ReadError> {
    return this.readThen(() => Effect.succeed(evaluate()))
  }

  /** The same, for reading that returns an Effect to continue with. */
  readThen<A>(evaluate: () => Effect.Effect<A, ReadError>): Effect.Effect<A, ReadError> {
    return immediate(this.yieldBudget, () => this.attempt(evaluate))
  }

  /** Evaluates at once. A failure that is thrown becomes the error of the Effect. */
  attempt<A>(evaluate: () => Effect.Effect<A, ReadError>): Effect.Effect<A, ReadError> {
    if (this.closed) return Effect.fail(this.readRefusal()!)
    try {
      return evaluate()
    } catch (failure) {
      return Effect.fail(toReadError(failure))
    }
  }

  /**
   * Returns a value, and yields to the event loop first if background work or a sync waits for it.
   */
  afterYield<A>(value: A): Effect.Effect<A> {
    const { wal, compactor, storage } = this.parts
    return wal.unsafeIsBusy() || compactor.unsafeIsBusy()
      ? Effect.as(storage.yieldToEventLoop, value)
      : Effect.succeed(value)
  }

  /** Runs work that writes, on an active store. */
  whenActive<A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, E | WriteError> {
    return Effect.suspend(() => (this.isActive ? work : Effect.zipRight(this.activate, work)))
  }

  /** The sequence number at which to read. */
  sequenceFor(options: ReadOptions | undefined): number {
    const snapshot = options?.snapshot
    if (snapshot === undefined) return this.visibleSequence
    if (!this.snapshots.has(snapshot)) {
      throw new InvalidArgument({ argument: "snapshot", reason: "is not one of this store's, or its scope has ended" })
    }
    return snapshot.sequence
  }

  /** `origin` says where a user took it. */
  takeSnapshot(origin?: Origin): Snapshot {
    return this.snapshots.take(this.visibleSequence, origin)
  }

  releaseSnapshot(snapshot: Snapshot): void {
    this.snapshots.remove(snapshot)
    this.parts.compactor.unsafeReleased()
  }

  /** Calls `close` when the store closes. The returned function cancels that. */
  closeWithStore(close: () => void): () => void {
    return this.openByHand.add(close)
  }

  /** Closes cursors and snapshots that users left open. */
  closeAll(): void {
    this.durable.notify()
    this.openByHand.closeAll()
  }

  pin(): PinnedVersion {
    return this.parts.manifest.unsafePin()
  }
}

/** Returns public errors unchanged, and the matching public error for a failure of the core. */
export const toReadError = (failure: unknown): ReadError => (isReadError(failure) ? failure : fromFailure(failure))

const isReadError = (failure: unknown): failure is ReadError =>
  failure instanceof InvalidArgument ||
  failure instanceof StoreClosed ||
  failure instanceof StorageError ||
  failure instanceof DiskFull ||
  failure instanceof Corruption ||
  failure instanceof UnsupportedFormat

const raise = (error: InvalidArgument): never => {
  throw error
}

/**
 * The error for a string with a lone surrogate. It has no UTF-8, and other strings would become the
 * same bytes.
 */
export const illFormedString = (argument: string): InvalidArgument =>
  new InvalidArgument({ argument, reason: "is a string with a lone surrogate, which has no UTF-8" })

/** Returns a key or value as bytes. @throws InvalidArgument */
export const toBytes = (input: Bytes, argument: string): Uint8Array => {
  if (typeof input === "string") return encodeUtf8(input) ?? raise(illFormedString(argument))
  if (input instanceof Uint8Array) return input
  throw new InvalidArgument({ argument, reason: "is neither a string nor a Uint8Array" })
}

/** @throws InvalidArgument */
export const checkCount = (count: number, argument: string): void => {
  if (count === Number.POSITIVE_INFINITY || (Number.isInteger(count) && count >= 0)) return
  throw new InvalidArgument({ argument, reason: "must be a whole number, not negative" })
}

/** Returns the bounds of a range, its prefix included. @throws InvalidArgument */
export const toKeyRange = (range: Range | undefined): KeyRange => {
  if (range === undefined) return unbounded
  if (typeof range !== "object" || range === null) {
    throw new InvalidArgument({ argument: "range", reason: "is not an object" })
  }
  let start = range.start === undefined ? undefined : copyOf(toBytes(range.start, "start"))
  let end = range.end === undefined ? undefined : copyOf(toBytes(range.end, "end"))
  if (range.prefix !== undefined) {
    const prefix = copyOf(toBytes(range.prefix, "prefix"))
    const behind = prefixEnd(prefix)
    if (start === undefined || compare(prefix, start) > 0) start = prefix
    if (behind !== undefined && (end === undefined || compare(behind, end) < 0)) end = behind
  }
  return { start, end }
}

/** The same for a range to delete: one that was left out by mistake is not the whole store. */
export const toDeletedRange = (range: Range): KeyRange => {
  const fault = rangeFault(range)
  if (fault !== undefined) throw new InvalidArgument({ argument: "range", reason: fault })
  return toKeyRange(range)
}

/** Copies a bound: a Stream may run long after its caller has reused the bytes. */
const copyOf = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes)

const unbounded: KeyRange = { start: undefined, end: undefined }
