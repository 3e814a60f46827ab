import * as Effect from "effect/Effect"
import { batchCount, batchSequence } from "../../core/log/batchFormat.js"
import type { LogEnd } from "../../core/log/logSegment.js"
import { SequenceChain } from "../../core/log/sequenceChain.js"
import { logName } from "../../core/storage/fileNames.js"
import type { FileError, OpenError } from "../../LsmError.js"
import type { Replay } from "../../Wal.js"
import { warnOfDamage } from "../effect/damageWarnings.js"
import { annotate, logDebug } from "../effect/logging.js"
import { traced } from "../effect/tracing.js"
import type { Engine } from "./engine.js"
import type { RecoveryStats } from "./statistics.js"

/** What opening a store has found, and what is still to be done before it can be written to. */
export interface Recovered {
  readonly stats: Omit<RecoveryStats, "orphans">
  /**
   * Makes the manifest and the log writable and removes what a crash has left, whose names it answers. What failed may be tried
   * again.
   */
  readonly makeWritable: Effect.Effect<ReadonlyArray<string>, FileError>
  /** Whether the store was closed in order and nothing waits to be done, so that this has time until something is written. */
  readonly isSettled: boolean
}

/** Replays the log. Unless it was damaged and the store is to be written to, no byte is changed. */
export const recover = (engine: Engine): Effect.Effect<Recovered, OpenError> =>
  Effect.gen(function* () {
    const { manifest, settings } = engine.parts
    const { segments } = manifest.unsafeState()
    const replayed = yield* replay(engine)
    const salvage = manifest.unsafeSalvage()
    const lost = salvage?.lost ?? replayed.lost
    let aside = salvage?.aside
    const isSettled = isSettledNow(engine, replayed)
    if (!settings.readOnly && replayed.lost.length > 0) aside = yield* keepSegments(engine, replayed.end)
    yield* logDebug("LsmStore", "recovered", {
      directory: settings.directory,
      segments: segments.length,
      records: replayed.records,
      sequence: engine.visibleSequence
    })
    return {
      stats: {
        segments: segments.length,
        records: replayed.records,
        dropped: replayed.dropped,
        lost,
        aside
      },
      makeWritable: makeWritable(engine, replayed),
      isSettled
    }
  })

/** Whether the log was closed in order, and there is nothing to flush, to compact or to remove. */
const isSettledNow = (engine: Engine, { end, dropped, lost }: Replay): boolean => {
  const { manifest, memtable, compactor, settings } = engine.parts
  const { closed } = manifest.unsafeState()
  return (
    closed !== undefined &&
    end.fileNumber <= closed.fileNumber &&
    dropped.length === 0 &&
    lost.length === 0 &&
    manifest.unsafeSalvage() === undefined &&
    manifest.unsafeOrphans().length === 0 &&
    memtable.unsafeFrozen().length === 0 &&
    compactor.unsafeStatus().scores.every((score) => score < settings.compactionThreshold)
  )
}

/** Reads the log into memtables. */
const replay = (engine: Engine): Effect.Effect<Replay, OpenError> =>
  Effect.gen(function* () {
    const { manifest, memtable, tables, wal, settings } = engine.parts
    const { storeId } = manifest
    const log = manifest.unsafeState()
    const { segments, flushedSequence } = log
    tables.unsafeAttach(storeId)
    memtable.unsafeBegin(segments[0] ?? 0)
    const chain = new SequenceChain(flushedSequence)
    const replayed = yield* wal
      .replay(
        storeId,
        log,
        (bytes, start, end, segment) => {
          chain.take(bytes, start, end)
          // A segment may begin with records that an earlier flush has put into a table.
          if (chain.last <= flushedSequence) return
          if (memtable.unsafeActive().isFull) memtable.unsafeFreeze(segment)
          memtable.unsafeApply(bytes, start, end)
        },
        { cut: settings.recovery === "pointInTime", sync: !settings.readOnly }
      )
      .pipe(traced("lsm.recovery"))
    engine.visibleSequence = Math.max(chain.last, flushedSequence)
    engine.nextSequence = engine.visibleSequence + 1
    for (const tail of replayed.dropped) {
      yield* Effect.logWarning("dropped a torn end of the log").pipe(annotate("Wal", { ...tail }))
    }
    yield* warnOfDamage("cut the log", "Wal", replayed.lost)
    return replayed
  })

/** Keeps the segment that was cut, and those behind it, as they were. */
const keepSegments = (engine: Engine, end: LogEnd): Effect.Effect<string, OpenError> =>
  Effect.gen(function* () {
    const { manifest, storage, settings } = engine.parts
    const { segments } = manifest.unsafeState()
    const present = new Set(yield* storage.list(settings.directory))
    const cut = segments.slice(Math.max(0, segments.indexOf(end.fileNumber))).map(logName)
    return yield* manifest.keepAside(cut.filter((name) => present.has(name)))
  })

/**
 * Begins a new manifest and a new segment of the log.
 *
 * One edit names the new segment and drops the segments behind the end of the log. Only then is anything flushed, for a flush
 * removes the segments before it. In the other order a crash between the two would leave a log that begins with a segment that
 * was dropped.
 */
const makeWritable = (engine: Engine, { end, lost }: Replay): Recovered["makeWritable"] => {
  let manifestBegun = false
  let prepared: number | undefined
  let isNamed = false
  return Effect.gen(function* () {
    const { manifest, memtable, wal, metrics, compactor, settings } = engine.parts
    const { storeId } = manifest
    const { closed } = manifest.unsafeState()
    if (!manifestBegun) yield* manifest.begin
    manifestBegun = true
    const segment = prepared ?? manifest.unsafeAllocate()
    if (prepared === undefined) yield* wal.prepare(storeId, segment)
    prepared = segment
    const nothingHeld = memtable.unsafeActive().isEmpty && memtable.unsafeFrozen().length === 0
    if (!isNamed) {
      const { segments } = manifest.unsafeState()
      const removedSegments = nothingHeld ? segments : segmentsAfter(segments, end.fileNumber)
      yield* manifest.apply({ addedSegments: [segment], removedSegments })
      isNamed = true
      yield* Effect.ignore(wal.remove(removedSegments))
    }
    // A log that was not closed may have been read from the page cache of a system that has failed to write it, and that
    // takes it for written: no sync of it would tell. What it held goes into new files before anything is built upon it. A
    // log that was cut is shorter than it was when it was closed, so nothing is built upon that either.
    if (lost.length > 0 || end.fileNumber > (closed?.fileNumber ?? 0)) {
      if (!memtable.unsafeActive().isEmpty) memtable.unsafeFreeze(segment)
      yield* compactor.flushFrozen
    }
    wal.unsafeOffer(segment)
    if (nothingHeld) memtable.unsafeBegin(segment)
    yield* wal.begin(storeId, end, {
      apply: (bytes, start, to) => {
        memtable.unsafeApply(bytes, start, to)
        engine.visibleSequence = batchSequence(bytes, start) + batchCount(bytes, start) - 1
      },
      settled: compactor.unsafeRotateIfFull,
      synced: (records) => {
        metrics.logSyncs.add(1)
        metrics.syncedRecords.add(records)
      },
      failed: engine.poisonWith,
      // Beside background work, whose writes a sync may have to wait for, none is expected to be short.
      mayHold: () => (compactor.unsafeIsBusy() ? 0 : settings.inlineSyncMillis)
    })
    // What is left of them is removed at another open.
    return yield* manifest.removeOrphans.pipe(
      Effect.catchAll((error) =>
        Effect.as(Effect.logWarning("could not look for orphans", error.message).pipe(annotate("Manifest", {})), [])
      )
    )
  })
}

/** Segments behind the last one with a record: empty, or dropped with a torn end. */
const segmentsAfter = (segments: ReadonlyArray<number>, last: number): ReadonlyArray<number> =>
  segments.slice(segments.indexOf(last) + 1)
