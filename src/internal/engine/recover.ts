import * as Effect from "effect/Effect"
import { applyBatch, batchCount, batchSequence } from "../../core/log/batchFormat.js"
import type { LogEnd } from "../../core/log/logSegment.js"
import { SequenceChain } from "../../core/log/sequenceChain.js"
import type { Damage } from "../../core/storage/damage.js"
import { logName } from "../../core/storage/fileNames.js"
import type { FileError, OpenError } from "../../LsmError.js"
import type { Replay } from "../../Wal.js"
import { warnOfDamage } from "../effect/damageWarnings.js"
import { annotate, logDebug } from "../effect/logging.js"
import { annotateSpan, traced } from "../effect/tracing.js"
import { drawHistoryId } from "../manifest/drawIds.js"
import type { Engine } from "./engine.js"
import type { RecoveryStats } from "./statistics.js"

/** The result of recovery, and the work that remains before the store can be written. */
export interface Recovered {
  readonly stats: Omit<RecoveryStats, "orphans">
  /**
   * Makes the manifest and the log writable, and removes orphans. Returns their names. It may be
   * retried after a failure.
   */
  readonly makeWritable: Effect.Effect<ReadonlyArray<string>, FileError>
  /**
   * Whether the store was closed in order and has no work left. `makeWritable` can wait for the
   * first write then.
   */
  readonly isSettled: boolean
}

/**
 * Replays the log. It changes no byte, unless a damaged log is cut and the store is not read-only.
 */
export const recover = (engine: Engine): Effect.Effect<Recovered, OpenError> =>
  Effect.gen(function* () {
    const { manifest, settings } = engine.parts
    const { segments } = manifest.unsafeState()
    engine.recoverTime(manifest.unsafeState().time ?? 0)
    const replayed = yield* replay(engine)
    const salvage = manifest.unsafeSalvage()
    const lost = salvage?.lost ?? replayed.lost
    let aside = salvage?.aside
    const isSettled = isSettledNow(engine, replayed)
    tellOfRecovery(engine, replayed, lost)
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

/** Tells, as events, what was found and what was left out. */
const tellOfRecovery = (engine: Engine, { dropped, end, records }: Replay, lost: ReadonlyArray<Damage>): void => {
  const { hub, parts, visibleSequence: sequence } = engine
  const { closed, segments } = parts.manifest.unsafeState()
  const torn = parts.manifest.unsafeTornEdit?.()
  if (torn !== undefined) {
    hub.emit(() => ({ _tag: "TornEndDropped", reason: "manifest", offset: undefined, ...torn }))
  }
  for (const tail of dropped) hub.emit(() => ({ _tag: "TornEndDropped", reason: "log", ...tail }))
  for (const { file, offset, bytes, region, reason } of lost) {
    hub.emit(() => ({ _tag: "DamageLeftOut", reason, file, offset, bytes, region }))
  }
  const wasClosed = closed !== undefined && end.fileNumber <= closed.fileNumber
  const isNew = segments.length === 0 && sequence === 0 && closed === undefined
  const reason = isNew ? "new" : wasClosed ? "closed" : "notClosed"
  hub.emit(() => ({ _tag: "Recovered", reason, segments: segments.length, records, sequence }))
}

/** Whether the log was closed in order and there is nothing to flush, compact or remove. */
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
    let bytesRead = 0
    const replaying = wal.replay(
      storeId,
      log,
      (bytes, start, end, segment) => {
        chain.take(bytes, start, end)
        bytesRead += end - start
        // A segment may begin with records that were flushed to a table.
        if (chain.last <= flushedSequence) return
        if (memtable.unsafeActive().isFull) memtable.unsafeFreeze(segment)
        memtable.unsafeApply(bytes, start, end)
      },
      { cut: settings.recovery === "pointInTime", sync: !settings.readOnly }
    )
    const replayed = yield* replaying.pipe(
      Effect.tap(({ dropped, records }) =>
        annotateSpan(() => ({
          bytes: bytesRead,
          records,
          segments: segments.length,
          sequence: Math.max(chain.last, flushedSequence),
          dropped_bytes: dropped.reduce((n, tail) => n + tail.bytes, 0)
        }))
      ),
      traced("lsm.recovery", { store: settings.name, directory: settings.directory })
    )
    engine.visibleSequence = Math.max(chain.last, flushedSequence)
    engine.nextSequence = engine.visibleSequence + 1
    for (const tail of replayed.dropped) {
      yield* Effect.logWarning("dropped a torn end of the log").pipe(annotate("Wal", { ...tail }))
    }
    yield* warnOfDamage("cut the log", "Wal", replayed.lost)
    return replayed
  })

/** Keeps the segment that was cut, and later ones, in a directory of their own. */
const keepSegments = (engine: Engine, end: LogEnd): Effect.Effect<string, OpenError> =>
  Effect.gen(function* () {
    const { manifest, storage, settings } = engine.parts
    const { segments } = manifest.unsafeState()
    const present = new Set(yield* storage.list(settings.directory))
    const cut = segments.slice(Math.max(0, segments.indexOf(end.fileNumber))).map(logName)
    return yield* manifest.keepAside(cut.filter((name) => present.has(name)))
  })

/**
 * Starts a new manifest and a new log segment.
 *
 * One edit names the new segment and drops the segments after the end of the log. Flushes come
 * after it, because a flush removes older segments. In the other order, a crash in between would
 * leave a log that begins with a dropped segment.
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
      const dropped = segmentsAfter(segments, end.fileNumber)
      const removedSegments = nothingHeld ? segments : dropped
      yield* wal.retain?.(removedSegments.filter((number) => !dropped.includes(number))) ?? Effect.void
      // What was cut off may have been seen by readers of the feed.
      const history = lost.length > 0 ? { id: yield* drawHistoryId, since: engine.visibleSequence } : undefined
      yield* manifest.apply({ addedSegments: [segment], removedSegments, history })
      isNamed = true
      yield* Effect.ignore(wal.remove(removedSegments))
    }
    // A log that was not closed may have come from the page cache. If the system failed to write it
    // and marked it clean, no later sync reports that. So its records go to new files before the
    // store relies on them. The same holds for a log that was cut: it is shorter than the manifest
    // says.
    if (lost.length > 0 || end.fileNumber > (closed?.fileNumber ?? 0)) {
      if (!memtable.unsafeActive().isEmpty) memtable.unsafeFreeze(segment)
      yield* compactor.flushFrozen
    }
    wal.unsafeOffer(segment)
    if (nothingHeld) memtable.unsafeBegin(segment)
    yield* wal.begin(storeId, end, {
      apply: (bytes, start, to) => {
        if (engine.wantsSync) engine.syncSoon()
        if (!engine.gaps.isEmpty) applyBatch(bytes, start, to, engine.gaps)
        const active = memtable.unsafeActive()
        const known = active.rangeDeletions.length
        memtable.unsafeApply(bytes, start, to)
        for (let i = known; i < active.rangeDeletions.length; i++) engine.ranges.add(active.rangeDeletions[i]!)
        engine.visibleSequence = batchSequence(bytes, start) + batchCount(bytes, start) - 1
      },
      settled: compactor.unsafeRotateIfFull,
      synced: (records) => {
        metrics.logSyncs.add(1)
        metrics.syncedRecords.add(records)
      },
      durable: engine.durable.notify,
      failed: engine.poisonWith,
      // While background work writes, no sync is expected to be short: it may wait for those
      // writes.
      mayHold: () => (compactor.unsafeIsBusy() ? 0 : settings.inlineSyncMillis)
    })
    // Remaining orphans are removed at the next open.
    const removed = yield* manifest.removeOrphans.pipe(
      Effect.catchAll((error) =>
        Effect.as(Effect.logWarning("could not look for orphans", error.message).pipe(annotate("Manifest", {})), [])
      )
    )
    for (const file of removed) engine.hub.emit(() => ({ _tag: "OrphanRemoved", reason: "notNamed", file }))
    return removed
  })
}

/** Segments after the last one with a record. They are empty, or dropped with a torn end. */
const segmentsAfter = (segments: ReadonlyArray<number>, last: number): ReadonlyArray<number> =>
  segments.slice(segments.indexOf(last) + 1)
