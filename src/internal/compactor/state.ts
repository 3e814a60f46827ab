import * as Effect from "effect/Effect"
import type { LoggedValues } from "../../core/values/loggedValues.js"
import { type FileError, StorageError } from "../../LsmError.js"
import type { Settings } from "../../LsmOptions.js"
import type { Change, ManifestService } from "../../Manifest.js"
import type { MemtableService, SingleMemtable } from "../../Memtable.js"
import type { MetricsService } from "../../Metrics.js"
import type { SSTableStoreService } from "../../SSTableStore.js"
import type { StorageService } from "../../Storage.js"
import type { Emit } from "../../StoreEvent.js"
import type { TableMergerService } from "../../TableMerger.js"
import type { WalService } from "../../Wal.js"
import type { BackgroundFiber } from "../effect/backgroundFiber.js"
import { Gate } from "../effect/gate.js"
import { detectVanished, isFatal } from "../storage/fatalErrors.js"

/** Functions that the store passes to the compactor. */
export interface Hooks {
  /** The sequence numbers that snapshots hold, ascending. */
  readonly snapshots: () => ReadonlyArray<number>
  /** Entries that expire until then have expired for all readers. */
  readonly expiredUntil: () => number
  /** The time, which never goes back. */
  readonly time: () => number
  /** Logs what background work should tell of. Default: nothing. */
  readonly report?: Effect.Effect<void>
  /** A sync of background work has failed: the store must take no more writes. */
  readonly poisoned: (failure: FileError) => void
}

/** The components that background work uses. */
export interface CompactorParts {
  readonly settings: Settings
  readonly storage: StorageService
  readonly metrics: MetricsService
  readonly manifest: ManifestService
  readonly wal: WalService
  readonly memtable: MemtableService
  readonly tables: SSTableStoreService
  readonly merger: TableMergerService
}

/** The kinds of background work, by their names in logs and errors. Each has its own fiber. */
export type Work = "segment preparation" | "flush" | "compaction"

export const everyWork: ReadonlyArray<Work> = ["segment preparation", "flush", "compaction"]

/**
 * The shared state of the compactor's pieces: the components, the gate, the handles of the
 * background fibers, and the failures. Everything else belongs to one piece.
 */
export class CompactorState {
  hooks: Hooks = { snapshots: () => [], expiredUntil: () => 0, time: () => 0, poisoned: () => undefined }
  /** Tells what happens. */
  emit: Emit = () => undefined
  /** The background fibers while they run. */
  fibers: Readonly<Record<Work, BackgroundFiber>> | undefined
  /** Opened when the memtables, the version, the failures or the fibers have changed. */
  readonly gate = new Gate()
  /** Makes a failure fatal if its cause is that the whole directory has vanished. */
  readonly unlessVanished: ReturnType<typeof detectVanished>
  /**
   * The log segment of a frozen memtable that holds the records of this segment and no others. A
   * memtable with replayed records has none.
   */
  readonly segmentOf = new WeakMap<SingleMemtable, number>()
  /** The places of its large values in that segment. */
  readonly loggedValuesOf = new WeakMap<SingleMemtable, LoggedValues>()
  /** Why a memtable was frozen. One that recovery froze is not there. */
  readonly frozenBecause = new WeakMap<SingleMemtable, "full" | "asked">()
  /** How often flushes have failed, and the preparation of the segments that they need. */
  flushFailures = 0
  /** The last failure of each kind of work that has not succeeded since. */
  private readonly failures = new Map<Work, FileError>()
  /** How often each kind of work has failed since it last succeeded. */
  private readonly times = new Map<Work, number>()
  /** A sync of background work that has failed. */
  private poison: FileError | undefined

  constructor(readonly parts: CompactorParts) {
    this.unlessVanished = detectVanished(parts.storage, parts.manifest.directory)
  }

  wake(work: Work): void {
    this.fibers?.[work].unsafeWake()
  }

  /** Ends the wait between two tries of failed work. */
  retryNow(work: Work): void {
    this.fibers?.[work].unsafeRetryNow()
  }

  readonly isBusy = (): boolean => {
    const { fibers } = this
    return (
      fibers !== undefined &&
      (fibers.flush.unsafeIsBusy() || fibers.compaction.unsafeIsBusy() || fibers["segment preparation"].unsafeIsBusy())
    )
  }

  /**
   * Whether the store takes no more writes. Then nothing is flushed, compacted or tried again,
   * because it is not known what is on disk.
   */
  isHalted(): boolean {
    return this.poison !== undefined || this.parts.wal.unsafeFailure() !== undefined
  }

  /**
   * Makes a change durable. Fails after a failed sync: a sync that succeeds later proves nothing.
   */
  apply(change: Change): Effect.Effect<void, FileError> {
    return Effect.suspend(() =>
      this.poison === undefined
        ? this.parts.manifest.apply({ ...change, time: this.hooks.time() })
        : Effect.fail(this.poison)
    )
  }

  /**
   * Records that work has failed. A failure that is not a file's, such as a defect, comes as
   * undefined.
   */
  fail(work: Work, error: FileError | undefined): void {
    const { manifest, metrics } = this.parts
    if (work !== "compaction") this.flushFailures++
    metrics.backgroundErrors.add(1)
    const failure = error ?? new StorageError({ operation: work, path: manifest.directory, code: "EUNEXPECTED" })
    const times = (this.times.get(work) ?? 0) + 1
    this.failures.set(work, failure)
    this.times.set(work, times)
    this.emit(() => ({ _tag: "BackgroundError", reason: failure.message, work, error: failure, times }))
    this.poisonIfFatal(failure)
    this.gate.notify()
  }

  succeed(work: Work): void {
    if (this.isHalted()) return
    this.failures.delete(work)
    this.times.delete(work)
  }

  /** Ends all writes after a failure that leaves it unknown what is on disk. */
  poisonIfFatal(error: FileError): void {
    if (!isFatal(error)) return
    this.poison ??= error
    this.hooks.poisoned(error)
  }

  /** The oldest failure that lasts. */
  failure(): FileError | undefined {
    return this.failures.values().next().value
  }

  failureOf(work: Work): FileError | undefined {
    return this.failures.get(work)
  }

  /** Why frozen memtables are not flushed, or full ones not frozen. */
  flushFailure(): FileError | undefined {
    return this.failures.get("flush") ?? this.failures.get("segment preparation")
  }
}
