import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { clearedBy } from "../../core/compaction/mergeInputs.js"
import { mergeCursors } from "../../core/cursor/mergeCursor.js"
import { Retention } from "../../core/cursor/retention.js"
import type { WriterJobResult } from "../../core/table/tableWriterJob.js"
import type { LoggedValues } from "../../core/values/loggedValues.js"
import type { ValueFile } from "../../core/values/valueFile.js"
import type { FileError } from "../../LsmError.js"
import type { SingleMemtable } from "../../Memtable.js"
import { logDebug } from "../effect/logging.js"
import { annotateSpan, traced } from "../effect/tracing.js"
import type { Rotation } from "./rotation.js"
import type { CompactorState } from "./state.js"
import type { WriteStalls } from "./writeStalls.js"
import { bytesWritten, numbersOf, tellOfFiles, writeAndApply } from "./writtenTables.js"

/**
 * Writes frozen memtables to tables of level 0, oldest first, and removes the log segments that
 * held them. A segment stays if the tables have handles to its values.
 */
export interface Flush {
  /** Flushes the oldest frozen memtable; true if there was one. */
  readonly flushOldest: Effect.Effect<boolean, FileError>
  /** Flushes every frozen memtable in the caller's fiber. */
  readonly flushFrozen: Effect.Effect<void, FileError>
  /**
   * Waits until everything that is in memtables now has been flushed. Fails if a flush fails before
   * that.
   */
  readonly flush: Effect.Effect<void, FileError>
}

/**
 * Large values stay in their log segment if they are at least this part of it. What else it holds
 * is garbage as soon as the segment is kept for its values. See
 * docs/decisions/0015-value-separation.md.
 */
const leastInLog = 3 / 4

const areToStay = ({ largeBytes = 0 }: SingleMemtable, { isComplete, size }: LoggedValues): boolean =>
  isComplete && largeBytes > 0 && largeBytes >= size * leastInLog

export const makeFlush = (state: CompactorState, rotation: Rotation, { reports }: WriteStalls): Flush => {
  const { manifest, memtable, merger, metrics, tables, wal } = state.parts
  const { gate } = state

  /** A table must not be named before the values that it has handles to are durable. */
  const untilSynced = ({ kind, fileNumber }: Pick<ValueFile, "kind" | "fileNumber">): Effect.Effect<void, FileError> =>
    kind === "log" ? (wal.synced?.(fileNumber) ?? wal.sync) : Effect.void

  /**
   * Writes the table of a memtable. If large values are most of it, they stay in the log, and little
   * is left to write. Otherwise a thread writes it from the log, if there is a thread for that. The
   * log segment was handed to the operating system as a whole when the log was rotated, whatever the
   * durability of its records.
   */
  const write = (frozen: SingleMemtable): Effect.Effect<WriterJobResult, FileError> =>
    Effect.suspend(() => {
      const { storeId, unsafeAllocate: allocate } = manifest
      const snapshots = state.hooks.snapshots()
      const expiredUntil = state.hooks.expiredUntil()
      const newestRange = frozen.rangeDeletions.at(-1)?.sequence ?? 0
      const inThisThread = (loggedValues?: LoggedValues) =>
        tables.write({
          cursor: mergeCursors(frozen.versionCursors()),
          retention: new Retention(snapshots, () => false, { expiredUntil }),
          targetSize: Number.POSITIVE_INFINITY,
          level: 0,
          allKinds: newestRange > 0 || frozen.expiring > 0,
          cleared: clearedBy(newestRange, snapshots),
          loggedValues,
          allocate
        })
      const values = state.loggedValuesOf.get(frozen)
      if (values !== undefined && areToStay(frozen, values)) {
        // A file cannot be created while the file system commits a sync, and this thread would wait.
        return Effect.zipRight(untilSynced({ kind: "log", fileNumber: values.segment }), inThisThread(values))
      }
      const segment = state.segmentOf.get(frozen)
      if (merger.flush === undefined || segment === undefined) return inThisThread()
      const { count, dataBytes, largestSequence: last } = frozen
      const sequences = { first: last - count + 1, last }
      return Effect.flatMap(
        merger.flush({ storeId, segment, sequences, snapshots, expiredUntil, dataBytes, allocate }),
        (written) => (written === undefined ? inThisThread() : Effect.succeed(written))
      )
    })

  const reasonOf = (frozen: SingleMemtable) => state.frozenBecause.get(frozen) ?? "recovery"

  const flushTable = (frozen: SingleMemtable, inBackground: boolean): Effect.Effect<void, FileError> =>
    Effect.gen(function* () {
      const started = yield* Clock.currentTimeMillis
      const keptFrom = memtable
        .unsafeAll()
        .reduce(
          (least, other) => (other === frozen ? least : Math.min(least, other.firstSegment)),
          Number.POSITIVE_INFINITY
        )
      // The newest named segment stays until a newer one is named: a log segment newer than all
      // named ones means that an edit was lost.
      const older = manifest.unsafeState().segments.slice(0, -1)
      const removedSegments = older.filter((segment) => segment < keptFrom)
      yield* tables.forgetEntries(frozen.versionCursors(), frozen.largestSequence)
      const writing = Effect.tap(write(frozen), ({ valueFiles }) => Effect.forEach(valueFiles, untilSynced))
      yield* wal.retain?.(removedSegments) ?? Effect.void
      const written = yield* writeAndApply(state, writing, ({ tables: added, valueFiles }) => ({
        added: added.map((table) => ({ level: 0, table })),
        valueFiles,
        flushedSequence: frozen.largestSequence,
        removedSegments
      }))
      memtable.unsafeRelease(frozen)
      const bytes = bytesWritten(written)
      metrics.flushes.add(1)
      metrics.flushBytes.add(bytes)
      const duration = (yield* Clock.currentTimeMillis) - started
      metrics.flushDuration.record(duration / 1000)
      tellOfFiles(state, "flush", 0, written)
      state.emit(() => ({
        _tag: "Flushed",
        reason: reasonOf(frozen),
        tables: written.tables.map(({ fileNumber }) => fileNumber),
        bytes,
        entries: frozen.count,
        millis: duration
      }))
      yield* annotateSpan(() => ({
        reason: reasonOf(frozen),
        level: 0,
        tables: written.tables.length,
        bytes,
        entries: frozen.count
      }))
      const table = numbersOf(written.tables)
      yield* logDebug("Compactor", "flushed a memtable", { level: 0, table, bytes, entries: frozen.count, duration })
      rotation.rotate()
      state.wake("compaction")
      gate.notify()
      // The log does not need these files any more. The next open removes any that stay.
      const { valueFiles } = manifest.unsafeVersion()
      yield* Effect.ignore(wal.remove(removedSegments.filter((segment) => !valueFiles.has(segment))))
      yield* reports.report
      yield* state.hooks.report ?? Effect.void
    }).pipe(Effect.uninterruptible, traced("lsm.flush", { store: metrics.store }, { root: inBackground }))

  const flushNext = (inBackground: boolean): Effect.Effect<boolean, FileError> =>
    Effect.suspend(() => {
      const frozen = memtable.unsafeFrozen()[0]
      if (frozen === undefined) return Effect.succeed(false)
      const work = flushTable(frozen, inBackground)
      return rotation.report.pipe(Effect.zipRight(reports.report), Effect.zipRight(work), Effect.as(true))
    })

  /**
   * Waits for a condition that flushes bring about. Ends too when the log has failed, because
   * nothing is flushed any more.
   */
  const awaitFlushes = (isDone: () => boolean): Effect.Effect<void, FileError> =>
    Effect.suspend(() => {
      const before = state.flushFailures
      return Effect.flatMap(
        gate.until(() => {
          if (isDone() || state.fibers === undefined || state.isHalted()) return "done" as const
          return state.flushFailures > before ? state.flushFailure() : undefined
        }),
        (outcome) => (outcome === "done" ? Effect.void : Effect.fail(outcome))
      )
    })

  const flush: Effect.Effect<void, FileError> = Effect.suspend(() => {
    const active = memtable.unsafeActive()
    const last = active.isEmpty ? memtable.unsafeFrozen().at(-1) : active
    if (last === undefined) return Effect.void
    for (const work of ["segment preparation", "flush"] as const) {
      state.wake(work)
      state.retryNow(work)
    }
    return awaitFlushes(() => {
      if (memtable.unsafeActive() === last) {
        rotation.want()
        return false
      }
      return !memtable.unsafeFrozen().includes(last)
    })
  })

  return {
    flushOldest: flushNext(true),
    flushFrozen: Effect.repeat(flushNext(false), { while: (flushed) => flushed }),
    flush
  }
}
