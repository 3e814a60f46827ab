/**
 * When and what to flush and to compact, and when writers must wait for it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import {
  type Compaction,
  type Garbage,
  isTrivialMove,
  levelScores,
  pickCompaction,
  pickManual,
  pickSuperseded
} from "./core/compaction/compactionPicker.js"
import { mergeInputs } from "./core/compaction/mergeInputs.js"
import { mergeCursors } from "./core/cursor/mergeCursor.js"
import { Retention } from "./core/cursor/retention.js"
import type { TableMeta } from "./core/table/tableFormat.js"
import type { WriterJobResult } from "./core/table/tableWriterJob.js"
import { type Pressure, WriteStalls } from "./internal/compactor/writeStalls.js"
import { type BackgroundFiber, startBackgroundFiber } from "./internal/effect/backgroundFiber.js"
import { Gate } from "./internal/effect/gate.js"
import { annotate, logDebug } from "./internal/effect/logging.js"
import { detectVanished, isFatal } from "./internal/storage/fatalErrors.js"
import { type FileError, type InvalidArgument, StorageError } from "./LsmError.js"
import { codecAt, type LsmOptions, settings } from "./LsmOptions.js"
import { type Change, Manifest } from "./Manifest.js"
import { Memtable, type SingleMemtable } from "./Memtable.js"
import { Metrics } from "./Metrics.js"
import { SSTableStore } from "./SSTableStore.js"
import { Storage } from "./Storage.js"
import { TableMerger } from "./TableMerger.js"
import { Wal } from "./Wal.js"

/**
 * What the store tells the compactor.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hooks {
  /** The sequence numbers that snapshots hold, ascending. */
  readonly snapshots: () => ReadonlyArray<number>
  /** A sync of background work has failed: the store must take no more writes. */
  readonly poisoned: (failure: FileError) => void
}

/**
 * @since 0.1.0
 * @category models
 */
export interface CompactorService {
  /** Starts the background fibers. */
  readonly start: (hooks: Hooks) => Effect.Effect<void>
  /** Ends them; work under way is given up, and leaves nothing behind. */
  readonly stop: Effect.Effect<void>
  /** Called when no record waits in the log: freezes a full memtable and rotates the log with it. */
  readonly unsafeRotateIfFull: () => void
  /** Whether a write must wait for background work before it begins. */
  readonly unsafeMustWait: () => boolean
  /** Accounts for bytes written; true when the writer should let the event loop turn, so that background work keeps up. */
  readonly unsafePace: (bytes: number) => boolean
  /** Waits until writes may go on; fails when the background work that they wait for fails. */
  readonly awaitAdmission: Effect.Effect<void, FileError>
  /** Called when a snapshot is released: versions that it kept may go. */
  readonly unsafeReleased: () => void
  /** Wakes everybody who waits, to look again. */
  readonly unsafeNotify: () => void
  /** Whether background work wants the event loop to turn. */
  readonly unsafeIsBusy: () => boolean
  readonly flush: Effect.Effect<void, FileError>
  /** Flushes every frozen memtable in the caller's fiber, before the background fibers are started. */
  readonly flushFrozen: Effect.Effect<void, FileError>
  /** Compacts the closed range [smallest, largest] down to the deepest level. Flushes nothing. */
  readonly compact: (range: {
    readonly smallest: Uint8Array | undefined
    readonly largest: Uint8Array | undefined
  }) => Effect.Effect<void, FileError>
  readonly resume: Effect.Effect<void>
  readonly unsafeStatus: () => {
    readonly backgroundError: FileError | undefined
    readonly scores: ReadonlyArray<number>
  }
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Compactor extends Context.Tag("effect-lsm/Compactor")<Compactor, CompactorService>() {}

/** Bytes that writers may write for each turn of the event loop while background work is under way. */
const busyPace = 32 * 1024
/** The same when level 0 or the frozen memtables are near their limit: about a slice of work for twenty small writes. */
const slowPace = 2 * 1024

type Requirements = Storage | Metrics | Manifest | Wal | Memtable | SSTableStore | TableMerger

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: LsmOptions
): Effect.Effect<CompactorService, InvalidArgument, Requirements | Scope.Scope> =>
  Effect.gen(function* () {
    const config = yield* settings(options)
    // One step of the fiber, not seven: a store is often opened in a process that has just begun.
    const context = yield* Effect.context<Requirements | Scope.Scope>()
    const metrics = Context.get(context, Metrics)
    const manifest = Context.get(context, Manifest)
    const wal = Context.get(context, Wal)
    const memtable = Context.get(context, Memtable)
    const tables = Context.get(context, SSTableStore)
    const merger = Context.get(context, TableMerger)
    const unlessVanished = detectVanished(Context.get(context, Storage), manifest.directory)
    // Its fibers end with it. In the scope itself they would end before a store that is closed by the same scope, and that
    // was first written to later.
    const scope = yield* Scope.fork(Context.get(context, Scope.Scope), ExecutionStrategy.sequential)
    const limits = { ...config, threshold: config.compactionThreshold }
    const gate = new Gate()
    const compacting = yield* Effect.makeSemaphore(1)
    let hooks: Hooks = { snapshots: () => [], poisoned: () => undefined }
    let workers:
      | { readonly flush: BackgroundFiber; readonly compact: BackgroundFiber; readonly segments: BackgroundFiber }
      | undefined
    /** Rotate at the next settled moment, though the memtable is not full. */
    let rotationWanted = false
    let stallWatch: Fiber.RuntimeFiber<void> | undefined
    const errors = new Map<string, FileError>()
    const manual = new Set<Fiber.RuntimeFiber<void, FileError>>()
    /** A segment that is ready but for an edit that names it, which failed. */
    let prepared: number | undefined
    /** Segments rotated away, which the next flush reports. */
    const rotations: Array<{ readonly segment: number; readonly bytes: number }> = []
    /** Failures of flushes, and of preparing the segments that they need. */
    let flushFailures = 0
    /** A sync of background work that has failed. */
    let poisoned: FileError | undefined
    let credit = busyPace

    /** Whether the store takes no more writes. Then nothing is flushed, compacted or tried again: what is on disk is not known. */
    const isHalted = (): boolean => poisoned !== undefined || wal.unsafeFailure() !== undefined

    /** Makes a change durable, unless a sync has failed meanwhile: one that went well afterwards proves nothing. */
    const apply = (change: Change): Effect.Effect<void, FileError> =>
      Effect.suspend(() => (poisoned === undefined ? manifest.apply(change) : Effect.fail(poisoned)))

    // ---------------------------------------------------------------- rotation

    const rotate = (): void => {
      const active = memtable.unsafeActive()
      if (active.isEmpty) {
        rotationWanted = false
        return
      }
      if (!active.isFull && !rotationWanted) return
      if (memtable.unsafeFrozen().length >= config.maxFrozenMemtables || !wal.unsafeCanRotate()) return
      rotationWanted = false
      const { segment, segmentBytes } = wal.unsafeStatus()
      rotations.push({ segment, bytes: segmentBytes })
      memtable.unsafeFreeze(wal.unsafeRotate())
      workers?.flush.unsafeWake()
      workers?.segments.unsafeWake()
      gate.notify()
    }

    /** Goes through once begun: a segment on disk that the manifest does not name would be an orphan. */
    const prepareSegment = Effect.suspend(() => {
      if (!wal.unsafeNeedsSegment()) return Effect.succeed(false)
      const segment = prepared ?? manifest.unsafeAllocate()
      const make = Effect.tap(wal.prepare(manifest.storeId, segment), () =>
        Effect.sync(() => {
          prepared = segment
        })
      )
      return (prepared === undefined ? make : Effect.void).pipe(
        Effect.zipRight(apply({ addedSegments: [segment] })),
        Effect.zipRight(
          Effect.sync(() => {
            prepared = undefined
            wal.unsafeOffer(segment)
            rotate()
            gate.notify()
          })
        ),
        Effect.zipRight(logDebug("Wal", "prepared a log segment", { segment })),
        Effect.as(true)
      )
    }).pipe(Effect.uninterruptible)

    // ------------------------------------------------------------------- flush

    /** Flushes the oldest frozen memtable. */
    const flushOldest = Effect.suspend(() => {
      const frozen = memtable.unsafeFrozen()[0]
      if (frozen === undefined) return Effect.succeed(false)
      return Effect.zipRight(reportRotations, Effect.as(flushTable(frozen), true))
    })

    const reportRotations = Effect.suspend(() =>
      Effect.forEach(rotations.splice(0), (rotation) => logDebug("Wal", "rotated the log", rotation), { discard: true })
    ).pipe(Effect.zipRight(Effect.suspend(() => stalls.report)))

    /**
     * Only the writing of tables is interrupted, which removes them again: nothing comes between them, the edit that names
     * them and the removal of what it replaces. A failed edit may be on disk, so its tables stay.
     */
    const writeAndApply = (
      write: Effect.Effect<WriterJobResult, FileError>,
      change: (written: ReadonlyArray<TableMeta>) => Change
    ) => Effect.tap(write, (result) => apply(change(result.tables)))

    const flushTable = (frozen: SingleMemtable) =>
      Effect.gen(function* () {
        const started = yield* Clock.currentTimeMillis
        const keptFrom = memtable
          .unsafeAll()
          .reduce(
            (least, other) => (other === frozen ? least : Math.min(least, other.firstSegment)),
            Number.POSITIVE_INFINITY
          )
        // The newest stays until a newer one is named: a log newer than all that are named tells of an edit that was lost.
        const older = manifest.unsafeState().segments.slice(0, -1)
        const removedSegments = older.filter((segment) => segment < keptFrom)
        const { tables: written } = yield* writeAndApply(
          tables.write({
            cursor: mergeCursors(frozen.versionCursors()),
            retention: new Retention(hooks.snapshots(), () => false),
            targetSize: Number.POSITIVE_INFINITY,
            level: 0,
            allocate: manifest.unsafeAllocate
          }),
          (added) => ({
            added: added.map((table) => ({ level: 0, table })),
            flushedSequence: frozen.largestSequence,
            removedSegments
          })
        )
        memtable.unsafeRelease(frozen)
        const bytes = sizeOf(written)
        metrics.flushes.add(1)
        metrics.flushBytes.add(bytes)
        const duration = (yield* Clock.currentTimeMillis) - started
        metrics.flushDuration.record(duration)
        const table = numbersOf(written)
        yield* logDebug("Compactor", "flushed a memtable", { level: 0, table, bytes, entries: frozen.count, duration })
        rotate()
        workers?.compact.unsafeWake()
        gate.notify()
        // The files are no longer named: what stays of them is removed at the next open.
        yield* Effect.ignore(wal.remove(removedSegments))
        yield* stalls.report
      }).pipe(Effect.uninterruptible, Effect.withSpan("lsm.flush", { captureStackTrace: false }))

    // -------------------------------------------------------------- compaction

    const runCompaction = (compaction: Compaction): Effect.Effect<void, FileError> =>
      Effect.gen(function* () {
        const started = yield* Clock.currentTimeMillis
        const { inputs, overlaps, level, outputLevel, reason } = compaction
        let report: Effect.Effect<void>
        const removed = [
          ...inputs.map(({ fileNumber }) => ({ level, fileNumber })),
          ...overlaps.map(({ fileNumber }) => ({ level: outputLevel, fileNumber }))
        ]
        // A table moved to a level of another compression would keep the one it has.
        if (isTrivialMove(compaction) && codecAt(config, level) === codecAt(config, outputLevel)) {
          yield* apply({ removed, added: inputs.map((table) => ({ level: outputLevel, table })) })
          const table = numbersOf(inputs)
          const duration = (yield* Clock.currentTimeMillis) - started
          const fields = { reason, level, outputLevel, table, bytes: sizeOf(inputs), duration }
          report = logDebug("Compactor", "moved tables down", fields)
        } else {
          const result = yield* writeAndApply(
            merger.merge({
              ...mergeInputs(compaction, manifest.unsafeVersion()),
              storeId: manifest.storeId,
              snapshots: hooks.snapshots(),
              targetSize: config.tableBytes,
              level: outputLevel,
              allocate: manifest.unsafeAllocate
            }),
            (added) => ({ removed, added: added.map((table) => ({ level: outputLevel, table })) })
          )
          const bytes = sizeOf(result.tables)
          metrics.compactionBytes.add(bytes)
          const duration = (yield* Clock.currentTimeMillis) - started
          metrics.compactionDuration.record(duration)
          report = logDebug("Compactor", "compacted", {
            reason,
            level,
            outputLevel,
            inputs: numbersOf([...inputs, ...overlaps]),
            table: numbersOf(result.tables),
            bytesRead: sizeOf(inputs) + sizeOf(overlaps),
            bytes,
            dropped: result.entriesDropped,
            duration
          })
        }
        metrics.compactions.add(1)
        yield* report
        gate.notify()
        yield* stalls.report
        yield* removeObsolete
      }).pipe(Effect.uninterruptible, Effect.withSpan("lsm.compaction", { captureStackTrace: false }))

    const garbage = (): Garbage => ({ snapshots: hooks.snapshots(), supersededOf: tables.unsafeSuperseded })

    /** Whether a table is known to hold versions that only snapshots see. */
    const holdsSuperseded = (): boolean =>
      tables.unsafeHasSuperseded() || manifest.unsafeVersion().totals.some(({ superseded }) => superseded > 0)

    const compactOnce = Effect.suspend(() => {
      const version = manifest.unsafeVersion()
      const compaction =
        pickCompaction(version, limits) ?? (holdsSuperseded() ? pickSuperseded(version, garbage()) : undefined)
      return compaction === undefined ? Effect.as(removeObsolete, false) : Effect.as(runCompaction(compaction), true)
    }).pipe(compacting.withPermits(1))

    /**
     * Removes the tables that nobody reads any more; all that were taken, though the store be closed meanwhile. One that cannot
     * be removed is an orphan of the next open.
     */
    const removeObsolete = Effect.suspend(() =>
      Effect.forEach(
        manifest.unsafeTakeObsolete(),
        (fileNumber) =>
          tables.remove(fileNumber).pipe(
            Effect.zipRight(logDebug("SSTableStore", "removed a table", { table: fileNumber })),
            Effect.catchAll((error) =>
              Effect.logWarning("could not remove a table", error.message).pipe(
                annotate("SSTableStore", { table: fileNumber })
              )
            )
          ),
        { discard: true }
      )
    ).pipe(Effect.uninterruptible)

    // ------------------------------------------------------------------ stalls

    const tooManyTables = (): boolean => manifest.unsafeVersion().levels[0]!.length >= config.level0StopTables

    const mustWait = (): boolean =>
      memtable.unsafeActive().isFull ||
      tooManyTables() ||
      wal.unsafeQueuedBytes() > Math.max(config.memtableBytes, minimumQueue)

    /** A limit that is reached; waiting for a segment to be prepared, some milliseconds, is none. */
    const pressure = (): Pressure => {
      const tooManyFrozen = memtable.unsafeFrozen().length >= config.maxFrozenMemtables
      if (tooManyTables() || (tooManyFrozen && memtable.unsafeActive().isFull)) return "stop"
      return tooManyFrozen || manifest.unsafeVersion().levels[0]!.length >= config.level0SlowdownTables
        ? "slow"
        : "none"
    }

    const stalls = new WriteStalls(pressure, () => ({
      frozenMemtables: memtable.unsafeFrozen().length,
      level0Tables: manifest.unsafeVersion().levels[0]!.length
    }))

    const pace = (bytes: number): boolean => {
      credit -= bytes
      if (credit > 0) return false
      const now = stalls.pressure()
      if (now === "none") {
        credit = busyPace
        return isBusy()
      }
      credit = slowPace
      metrics.slowdowns.add(1)
      return true
    }

    const isBusy = (): boolean =>
      workers !== undefined &&
      (workers.flush.unsafeIsBusy() || workers.compact.unsafeIsBusy() || workers.segments.unsafeIsBusy())

    const awaitAdmission: Effect.Effect<void, FileError> = Effect.gen(function* () {
      rotate()
      if (!mustWait()) return
      metrics.stops.add(1)
      yield* stalls.report
      workers?.segments.unsafeWake()
      workers?.flush.unsafeWake()
      workers?.compact.unsafeWake()
      const outcome = yield* gate.until(() => {
        rotate()
        if (!mustWait() || isHalted() || workers === undefined) return "go" as const
        return (
          (memtable.unsafeActive().isFull ? flushError() : undefined) ??
          (tooManyTables() ? errors.get("compaction") : undefined)
        )
      })
      yield* stalls.report
      if (outcome !== "go") return yield* Effect.fail(outcome)
    })

    // ------------------------------------------------------------ by hand, life

    /** Waits for a condition that flushes will bring about; fails when they fail. A log that has failed ends the wait. */
    const awaitFlushes = (isDone: () => boolean): Effect.Effect<void, FileError> =>
      Effect.suspend(() => {
        const before = flushFailures
        return Effect.flatMap(
          gate.until(() => {
            if (isDone() || workers === undefined || isHalted()) return "done" as const
            return flushFailures > before ? flushError() : undefined
          }),
          (outcome) => (outcome === "done" ? Effect.void : Effect.fail(outcome))
        )
      })

    const flush: Effect.Effect<void, FileError> = Effect.suspend(() => {
      const active = memtable.unsafeActive()
      const last = active.isEmpty ? memtable.unsafeFrozen().at(-1) : active
      if (last === undefined) return Effect.void
      for (const worker of [workers?.segments, workers?.flush]) {
        worker?.unsafeWake()
        worker?.unsafeRetryNow()
      }
      return awaitFlushes(() => {
        if (memtable.unsafeActive() === last) {
          rotationWanted = true
          rotate()
          return false
        }
        return !memtable.unsafeFrozen().includes(last)
      })
    })

    /** Runs in a fiber of the compactor's own, so that closing the store ends it, and interrupting the caller does. */
    const compact: CompactorService["compact"] = (range) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkIn(Effect.interruptible(compactRange(range)), scope)
          manual.add(fiber)
          const exit = yield* restore(Fiber.await(fiber)).pipe(
            Effect.onInterrupt(() => Fiber.interrupt(fiber)),
            Effect.ensuring(Effect.sync(() => manual.delete(fiber)))
          )
          // Interrupted by `stop`: the caller will see that the store is closed.
          if (Exit.isFailure(exit) && !Exit.isInterrupted(exit)) yield* exit
        })
      )

    const compactRange = (range: Parameters<CompactorService["compact"]>[0]): Effect.Effect<void, FileError> =>
      Effect.gen(function* () {
        const { smallest, largest } = range
        let level = 0
        for (;;) {
          const version = manifest.unsafeVersion()
          for (let at = level; at < version.levels.length; at++) {
            yield* tables.learnSuperseded(version.overlapping(at, smallest, largest))
          }
          const compaction = pickManual(manifest.unsafeVersion(), level, range, garbage())
          if (compaction === undefined || isHalted()) return
          yield* runCompaction(compaction)
          level = compaction.outputLevel === compaction.level ? compaction.level + 1 : compaction.outputLevel
        }
      }).pipe(
        unlessVanished,
        Effect.tapError((error) => Effect.sync(() => distrust(error))),
        compacting.withPermits(1)
      )

    const fail = (name: string) => (error: FileError | undefined) => {
      if (name !== "compaction") flushFailures++
      metrics.backgroundErrors.add(1)
      const told = error ?? new StorageError({ operation: name, path: manifest.directory, code: "EUNEXPECTED" })
      errors.set(name, told)
      distrust(told)
      gate.notify()
    }

    /** After a failure that leaves open what is on disk there are no more writes. */
    const distrust = (error: FileError): void => {
      if (!isFatal(error)) return
      poisoned ??= error
      hooks.poisoned(error)
    }

    const backgroundError = (): FileError | undefined => errors.values().next().value

    const flushError = (): FileError | undefined => errors.get("flush") ?? errors.get("segment preparation")

    const service: CompactorService = {
      start: (given) =>
        Effect.gen(function* () {
          hooks = given
          const worker = (name: string, step: Effect.Effect<boolean, FileError>) =>
            startBackgroundFiber(
              {
                name,
                step: Effect.suspend(() => (isHalted() ? Effect.succeed(false) : unlessVanished(step))),
                onFailure: fail(name),
                onSuccess: () => {
                  if (!isHalted()) errors.delete(name)
                }
              },
              scope
            )
          workers = {
            segments: yield* worker("segment preparation", prepareSegment),
            flush: yield* worker("flush", flushOldest),
            compact: yield* worker("compaction", compactOnce)
          }
          stallWatch = yield* stalls.start(scope)
          manifest.unsafeOnObsolete(() => workers?.compact.unsafeWake())
          workers.segments.unsafeWake()
          workers.flush.unsafeWake()
          workers.compact.unsafeWake()
        }),
      stop: Effect.suspend(() => {
        if (workers === undefined) return Effect.void
        const fibers = [workers.segments, workers.flush, workers.compact].map((worker) => worker.unsafeStop())
        workers = undefined
        gate.notify()
        const watch = stallWatch === undefined ? [] : [stallWatch]
        return Effect.zipRight(Fiber.interruptAll([...fibers, ...watch, ...manual]), removeObsolete)
      }),
      unsafeRotateIfFull: () => {
        if (rotationWanted || memtable.unsafeActive().isFull) rotate()
        gate.notify()
      },
      unsafeMustWait: mustWait,
      unsafePace: pace,
      awaitAdmission,
      unsafeReleased: () => {
        if (holdsSuperseded()) workers?.compact.unsafeWake()
      },
      unsafeNotify: gate.notify,
      unsafeIsBusy: isBusy,
      flush,
      flushFrozen: Effect.repeat(flushOldest, { while: (flushed) => flushed }),
      compact,
      resume: Effect.sync(() => {
        workers?.segments.unsafeRetryNow()
        workers?.flush.unsafeRetryNow()
        workers?.compact.unsafeRetryNow()
      }),
      unsafeStatus: () => ({
        backgroundError: backgroundError(),
        scores: levelScores(manifest.unsafeVersion(), limits)
      })
    }
    return service
  })

/** Records that wait in the log take at least this much before writers wait for them. */
const minimumQueue = 1024 * 1024

const sizeOf = (tables: ReadonlyArray<TableMeta>): number => tables.reduce((n, { size }) => n + size, 0)

const numbersOf = (tables: ReadonlyArray<TableMeta>): string => tables.map(({ fileNumber }) => fileNumber).join(" ")

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Compactor, InvalidArgument, Requirements> =>
  Layer.scoped(Compactor, make(options))
