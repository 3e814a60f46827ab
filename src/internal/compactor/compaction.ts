import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import {
  type Compaction,
  type Garbage,
  holdsCovered,
  isTrivialMove,
  levelScores,
  pickCompaction,
  pickCovered,
  pickExpired,
  pickSuperseded,
  pickUncleared,
  tablesOf
} from "../../core/compaction/compactionPicker.js"
import { manualLevel0, planManual } from "../../core/compaction/manualCompaction.js"
import { mergeInputs } from "../../core/compaction/mergeInputs.js"
import { dueFiles, filesToCollect, pickValues, staleFiles } from "../../core/compaction/valueGarbage.js"
import type { TableMeta } from "../../core/table/tableFormat.js"
import type { FileError } from "../../LsmError.js"
import { codecAt, valueFileBytes } from "../../LsmOptions.js"
import type { CompactionReason, Emit } from "../../StoreEvent.js"
import { annotate, logDebug } from "../effect/logging.js"
import { annotateSpan, traced } from "../effect/tracing.js"
import type { CompactorState } from "./state.js"
import type { WriteStalls } from "./writeStalls.js"
import { bytesWritten, numbersOf, sizeOf, tellOfFiles, writeAndApply } from "./writtenTables.js"

/** A closed range of keys; without a bound it is open on that side. */
export interface CompactionRange {
  readonly smallest: Uint8Array | undefined
  readonly largest: Uint8Array | undefined
}

/**
 * Merges tables into deeper levels, one compaction at a time, and removes tables without readers.
 */
export interface Compactions {
  /** Runs the most urgent compaction; true if there was one. */
  readonly compactOnce: Effect.Effect<boolean, FileError>
  /** Compacts a range down to the deepest level, in the caller's fiber. */
  readonly compactRange: (range: CompactionRange) => Effect.Effect<void, FileError>
  /**
   * Removes obsolete tables and value files that no reader holds. A file that cannot be removed is an
   * orphan of the next open.
   */
  readonly removeObsolete: Effect.Effect<void>
  /** Whether some tables are known to hold versions that only snapshots see. */
  readonly holdsSuperseded: () => boolean
  /** How near each level is to its limit: compacted at `compactionThreshold`, full at 1. */
  readonly scores: () => ReadonlyArray<number>
}

export const makeCompactions = (state: CompactorState, { reports }: WriteStalls): Compactions => {
  const { manifest, merger, metrics, settings, tables } = state.parts
  /** Why the tables that are to be removed were compacted. */
  const replacedBy = new Map<number, CompactionReason>()
  const replaced = (gone: ReadonlyArray<TableMeta>, reason: CompactionReason): void => {
    for (const { fileNumber } of gone) replacedBy.set(fileNumber, reason)
  }
  const limits = { ...settings, threshold: settings.compactionThreshold }
  const oneAtATime = Effect.unsafeMakeSemaphore(1)

  /** `due` are the value files to collect, as far as the compaction has handles to them. */
  const run = (
    compaction: Compaction,
    due: ReadonlyArray<number>,
    inBackground: boolean
  ): Effect.Effect<void, FileError> =>
    Effect.gen(function* () {
      const version = manifest.unsafeVersion()
      const started = yield* Clock.currentTimeMillis
      const { inputs, level, outputLevel, reason } = compaction
      const sources = tablesOf(compaction).flatMap(({ tables: from }) => from)
      let report: Effect.Effect<void>
      yield* annotateSpan(() => ({
        reason,
        level,
        output_level: outputLevel,
        inputs: sources.length,
        bytes_read: sizeOf(sources)
      }))
      const removed = tablesOf(compaction).flatMap((from) =>
        from.tables.map(({ fileNumber }) => ({ level: from.level, fileNumber }))
      )
      // A table moved to a level of another compression would keep the one it has.
      if (isTrivialMove(compaction) && codecAt(settings, level) === codecAt(settings, outputLevel)) {
        yield* state.apply({ removed, added: inputs.map((table) => ({ level: outputLevel, table })) })
        const table = numbersOf(inputs)
        const duration = (yield* Clock.currentTimeMillis) - started
        const fields = { reason, level, outputLevel, table, bytes: sizeOf(inputs), duration }
        report = logDebug("Compactor", "moved tables down", fields)
        yield* annotateSpan(() => ({ how: "moved", tables: inputs.length, bytes: 0, entries_dropped: 0 }))
        const moved = inputs.map(({ fileNumber }) => fileNumber)
        state.emit(() => ({
          _tag: "Compacted",
          reason,
          how: "moved",
          level,
          outputLevel,
          inputs: moved,
          outputs: moved,
          bytesRead: sizeOf(inputs),
          bytes: 0,
          entriesDropped: 0,
          millis: duration
        }))
      } else {
        const result = yield* writeAndApply(
          state,
          merger.merge({
            ...mergeInputs(compaction, version),
            storeId: manifest.storeId,
            snapshots: state.hooks.snapshots(),
            expiredUntil: state.hooks.expiredUntil(),
            targetSize: settings.tableBytes,
            level: outputLevel,
            collect: filesToCollect(version, compaction, due, valueFileBytes(settings)),
            allocate: manifest.unsafeAllocate
          }),
          ({ tables: added, valueFiles }) => ({
            removed,
            added: added.map((table) => ({ level: outputLevel, table })),
            valueFiles
          })
        )
        const bytes = bytesWritten(result)
        metrics.compactionBytes.add(bytes)
        const duration = (yield* Clock.currentTimeMillis) - started
        metrics.compactionDuration.record(duration / 1000)
        yield* annotateSpan(() => ({
          how: "merged",
          tables: result.tables.length,
          bytes,
          entries_dropped: result.entriesDropped
        }))
        replaced(sources, reason)
        tellOfFiles(state, "compaction", outputLevel, result)
        state.emit(() => ({
          _tag: "Compacted",
          reason,
          how: "merged",
          level,
          outputLevel,
          inputs: sources.map(({ fileNumber }) => fileNumber),
          outputs: result.tables.map(({ fileNumber }) => fileNumber),
          bytesRead: sizeOf(sources),
          bytes,
          entriesDropped: result.entriesDropped,
          millis: duration
        }))
        report = logDebug("Compactor", "compacted", {
          reason,
          level,
          outputLevel,
          inputs: numbersOf(sources),
          table: numbersOf(result.tables),
          bytesRead: sizeOf(sources),
          bytes,
          dropped: result.entriesDropped,
          duration
        })
      }
      metrics.compactions.add(1)
      yield* report
      state.gate.notify()
      yield* reports.report
      yield* state.hooks.report ?? Effect.void
      yield* removeObsolete
    }).pipe(Effect.uninterruptible, traced("lsm.compaction", { store: metrics.store }, { root: inBackground }))

  const garbage = (): Garbage => {
    const version = manifest.unsafeVersion()
    const snapshots = state.hooks.snapshots()
    return {
      snapshots,
      supersededOf: tables.unsafeSuperseded,
      staleFiles: staleFiles(version),
      holdsCovered: holdsCovered(version, snapshots),
      expiredUntil: state.hooks.expiredUntil()
    }
  }

  /** Drops tables that range deletions hide as a whole; true if there were any. */
  const dropCovered: Effect.Effect<boolean, FileError> = Effect.suspend(() => {
    const covered = pickCovered(manifest.unsafeVersion(), state.hooks.snapshots())
    if (covered === undefined) return Effect.succeed(false)
    const { level, tables: dropped } = covered
    const removed = dropped.map(({ fileNumber }) => ({ level, fileNumber }))
    const tell = Effect.sync(() => {
      replaced(dropped, "covered")
      state.emit(() => ({
        _tag: "Compacted",
        reason: "covered",
        how: "dropped",
        level,
        outputLevel: level,
        inputs: dropped.map(({ fileNumber }) => fileNumber),
        outputs: [],
        bytesRead: sizeOf(dropped),
        bytes: 0,
        entriesDropped: dropped.reduce((n, { entries }) => n + entries, 0),
        millis: 0
      }))
    })
    return state.apply({ removed }).pipe(
      Effect.zipRight(tell),
      Effect.zipRight(
        logDebug("Compactor", "dropped tables", {
          reason: "covered",
          level,
          table: numbersOf(dropped),
          bytes: sizeOf(dropped)
        })
      ),
      Effect.zipRight(Effect.sync(() => state.gate.notify())),
      Effect.zipRight(removeObsolete),
      Effect.as(true),
      Effect.uninterruptible
    )
  })

  const holdsSuperseded = (): boolean =>
    tables.unsafeHasSuperseded() || manifest.unsafeVersion().totals.some(({ superseded }) => superseded > 0)

  const compactOnce = Effect.flatMap(dropCovered, (dropped) => (dropped ? Effect.succeed(true) : mergeOnce)).pipe(
    oneAtATime.withPermits(1)
  )

  const mergeOnce = Effect.suspend(() => {
    const version = manifest.unsafeVersion()
    const compaction =
      pickCompaction(version, limits) ??
      pickUncleared(version, state.hooks.snapshots()) ??
      pickExpired(version, state.hooks.expiredUntil()) ??
      (holdsSuperseded() ? pickSuperseded(version, garbage()) : undefined) ??
      pickValues(version)
    return compaction === undefined
      ? Effect.as(removeObsolete, false)
      : Effect.as(run(compaction, dueFiles(version), true), true)
  })

  const compactRange = (range: CompactionRange): Effect.Effect<void, FileError> =>
    Effect.gen(function* () {
      const { smallest, largest } = range
      while (yield* dropCovered) if (state.isHalted()) return
      const learn = Effect.suspend(() => {
        const version = manifest.unsafeVersion()
        const touched = version.levels.flatMap((_, level) => version.overlapping(level, smallest, largest))
        return tables.learnSuperseded(touched)
      })
      yield* learn
      const first = manualLevel0(manifest.unsafeVersion(), range, garbage())
      if (first !== undefined) {
        yield* run(first, staleFiles(manifest.unsafeVersion()), false)
        yield* learn
      }
      // A merge drops superseded values, so files may be stale after it: another round collects them.
      // A range deletion can go when all tables that it covers have been written anew.
      for (let round = 0; round < 2; round++) {
        const version = manifest.unsafeVersion()
        const stale = staleFiles(version)
        if (round > 0 && stale.length === 0 && !version.holdsRanges) return
        for (const compaction of planManual(version, range, garbage())) {
          if (state.isHalted()) return
          yield* run(compaction, stale, false)
        }
      }
    }).pipe(
      state.unlessVanished,
      Effect.tapError((error) => Effect.sync(() => state.poisonIfFatal(error))),
      oneAtATime.withPermits(1)
    )

  const tell = (
    removal: Effect.Effect<void, FileError>,
    what: string,
    fields: Record<string, unknown>,
    event: Parameters<Emit>[0]
  ) =>
    removal.pipe(
      Effect.zipRight(Effect.sync(() => state.emit(event))),
      Effect.zipRight(logDebug("SSTableStore", `removed ${what}`, fields)),
      Effect.catchAll((error) =>
        Effect.logWarning(`could not remove ${what}`, error.message).pipe(annotate("SSTableStore", fields))
      )
    )

  // Uninterruptible: all files taken from the lists are removed, even if the store closes.
  const removeObsolete = Effect.suspend(() => {
    const removals = [
      ...manifest.unsafeTakeObsolete().map((table) => {
        const reason = replacedBy.get(table) ?? "manual"
        replacedBy.delete(table)
        return tell(tables.remove(table), "a table", { table }, () => ({ _tag: "TableRemoved", reason, table }))
      }),
      ...manifest.unsafeTakeObsoleteValues().map((file) =>
        tell(tables.removeValues(file), "a value file", { valueFile: file.fileNumber }, () => ({
          _tag: "ValueFileRemoved",
          reason: "unused",
          file: file.fileNumber,
          bytes: file.size
        }))
      )
    ]
    return Effect.all(removals, { discard: true })
  }).pipe(Effect.uninterruptible)

  return {
    compactOnce,
    compactRange,
    removeObsolete,
    holdsSuperseded,
    scores: () => levelScores(manifest.unsafeVersion(), limits)
  }
}
