import * as Effect from "effect/Effect"
import type { CompactorService } from "../../Compactor.js"
import { compare, encodeUtf8, prefixEnd } from "../../core/bytes/bytes.js"
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
import { immediate, YieldBudget } from "../effect/immediate.js"

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

/** What the operations of one open store share: its components, its sequence numbers, its snapshots, whether it is open. */
export class Engine {
  closed = false
  /** Whether the manifest and the log have been made writable, and background work has been started. */
  isActive = false
  /** Sees to it that this is so; fails while it cannot be. */
  activate: Effect.Effect<void, WriteError> = Effect.void
  /** Why there are no more writes. */
  poison: FileError | undefined
  /** The number that the next operation gets. */
  nextSequence = 1
  /** The newest number that readers see. */
  visibleSequence = 0
  readonly yieldBudget = new YieldBudget()
  private readonly snapshots = new Map<Snapshot, number>()
  /** What is closed by hand, by its user or with the store. */
  private readonly openByHand = new Set<() => void>()

  constructor(readonly parts: EngineParts) {}

  /** From now on there are no writes. */
  readonly poisonWith = (failure: FileError): void => {
    this.poison ??= failure
    this.parts.compactor.unsafeNotify()
  }

  /** Why nothing can be read, or undefined. */
  readRefusal(): StoreClosed | undefined {
    return this.closed ? new StoreClosed({ directory: this.parts.settings.directory }) : undefined
  }

  /** Why nothing can be written, or undefined. */
  writeRefusal(): StoreClosed | StorePoisoned | StoreReadOnly | undefined {
    if (this.closed) return this.readRefusal()
    const { directory, readOnly } = this.parts.settings
    if (readOnly) return new StoreReadOnly({ directory })
    if (this.poison === undefined) return undefined
    return new StorePoisoned({ directory, reason: this.poison.message })
  }

  /** Runs a synchronous stretch of reading, its failures becoming errors. */
  read<A>(evaluate: () => A): Effect.Effect<A, ReadError> {
    return this.readThen(() => Effect.succeed(evaluate()))
  }

  /** The same where more may follow. */
  readThen<A>(evaluate: () => Effect.Effect<A, ReadError>): Effect.Effect<A, ReadError> {
    return immediate(this.yieldBudget, () => this.attempt(evaluate))
  }

  /** Evaluates at once; what is thrown is the error of the Effect. */
  attempt<A>(evaluate: () => Effect.Effect<A, ReadError>): Effect.Effect<A, ReadError> {
    if (this.closed) return Effect.fail(this.readRefusal()!)
    try {
      return evaluate()
    } catch (failure) {
      return Effect.fail(toReadError(failure))
    }
  }

  /** A value, after a turn of the event loop where background work or a sync waits for one. */
  afterYield<A>(value: A): Effect.Effect<A> {
    const { wal, compactor, storage } = this.parts
    return wal.unsafeIsBusy() || compactor.unsafeIsBusy()
      ? Effect.as(storage.yieldToEventLoop, value)
      : Effect.succeed(value)
  }

  /** Work that writes. */
  whenActive<A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, E | WriteError> {
    return Effect.suspend(() => (this.isActive ? work : Effect.zipRight(this.activate, work)))
  }

  /** The sequence number to look from. */
  sequenceFor(options: ReadOptions | undefined): number {
    const snapshot = options?.snapshot
    if (snapshot === undefined) return this.visibleSequence
    if (!this.snapshots.has(snapshot)) {
      throw new InvalidArgument({ argument: "snapshot", reason: "is not one of this store's, or its scope has ended" })
    }
    return snapshot.sequence
  }

  takeSnapshot(): Snapshot {
    const snapshot = { sequence: this.visibleSequence }
    this.snapshots.set(snapshot, snapshot.sequence)
    return snapshot
  }

  releaseSnapshot(snapshot: Snapshot): void {
    this.snapshots.delete(snapshot)
    this.parts.compactor.unsafeReleased()
  }

  /** Sees to it that `close` is called when the store closes; the result is to be called when it has been before. */
  closeWithStore(close: () => void): () => void {
    this.openByHand.add(close)
    return () => {
      this.openByHand.delete(close)
    }
  }

  /** Closes what its users have left open. */
  closeAll(): void {
    for (const close of [...this.openByHand]) close()
  }

  /** What snapshots hold, ascending. */
  heldSequences(): ReadonlyArray<number> {
    return [...new Set(this.snapshots.values())].sort((a, b) => a - b)
  }

  get snapshotCount(): number {
    return this.snapshots.size
  }

  pin(): PinnedVersion {
    return this.parts.manifest.unsafePin()
  }
}

/** Public errors pass as they are; failures of the core become theirs. */
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

/** Why a string with half of a surrogate pair is refused: it has no UTF-8, and another string would become the same bytes. */
export const illFormedString = (argument: string): InvalidArgument =>
  new InvalidArgument({ argument, reason: "is a string with a lone surrogate, which has no UTF-8" })

/** A key or value as bytes. @throws InvalidArgument */
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

/** The bounds of a range, its prefix included. @throws InvalidArgument */
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

/** A Stream may run long after its caller has reused the bytes of a bound. */
const copyOf = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes)

const unbounded: KeyRange = { start: undefined, end: undefined }
