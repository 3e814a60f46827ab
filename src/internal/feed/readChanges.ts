import * as Effect from "effect/Effect"
import type { KeyRange } from "../../core/cursor/visibleCursor.js"
import { ChangeReader, type FeedLog, HistoryGone } from "../../core/feed/changeReader.js"
import { logName } from "../../core/storage/fileNames.js"
import { InvalidArgument, StoreReadOnly } from "../../LsmError.js"
import type { Change, FeedError } from "../../OrderedStore.js"
import { SequenceTooOld } from "../../OrderedStoreError.js"
import type { RetainedSegment } from "../../Wal.js"
import type { ArraySource } from "../effect/arraySource.js"
import { type Engine, toReadError } from "../engine/engine.js"
import { operationsOf } from "./operations.js"
import { positionAt, sequenceAt } from "./position.js"

/** A chunk has at most so many changes, and ends when it has so many bytes. */
const changesAtOnce = 256
const bytesAtOnce = 256 * 1024
/** Records that are passed over before the fiber yields to the event loop. */
const recordsPerTurn = 4096

/** Opens a reader at a place of the feed. */
export const openReader = (engine: Engine, from: string): Effect.Effect<ChangeReader, FeedError> =>
  Effect.flatMap(feedLogOf(engine), (log) =>
    attempt(() => {
      const since = engine.parts.manifest.unsafeState().history?.since ?? 0
      if (from === "now") return Effect.succeed(new ChangeReader(log, engine.visibleSequence))
      if (from === "oldest") return Effect.succeed(new ChangeReader(log, since, true))
      const sequence = sequenceAt(engine, from)
      return typeof sequence === "number" ? Effect.succeed(new ChangeReader(log, sequence)) : Effect.fail(sequence)
    })
  )

/** The log of a store, for readers. */
const feedLogOf = (engine: Engine): Effect.Effect<FeedLog, FeedError> =>
  Effect.suspend((): Effect.Effect<FeedLog, FeedError> => {
    const { manifest, settings, storage, wal } = engine.parts
    const refusal = engine.readRefusal()
    if (refusal !== undefined) return Effect.fail(refusal)
    const { directory, readOnly } = settings
    if (readOnly) return Effect.fail(new StoreReadOnly({ directory }))
    if (wal.unsafeStatus().syncedBytes === undefined) {
      const reason = "does not say what is on disk, which a feed of changes needs"
      return Effect.fail(new InvalidArgument({ argument: "wal", reason }))
    }
    const retained: Effect.Effect<() => ReadonlyArray<RetainedSegment>, FeedError> =
      wal.retained === undefined ? Effect.succeed(() => []) : wal.retained
    return Effect.map(retained, (kept) => ({
      driver: storage.driver,
      storeId: manifest.storeId,
      segments: () => {
        const segments = new Map<number, ReadonlyArray<string>>()
        for (const { fileNumber, name } of kept()) {
          segments.set(fileNumber, [`${directory}/${name}`, `${directory}/${logName(fileNumber)}`])
        }
        for (const fileNumber of manifest.unsafeState().segments) {
          segments.set(fileNumber, [`${directory}/${logName(fileNumber)}`])
        }
        return [...segments]
          .map(([fileNumber, paths]) => ({ fileNumber, paths }))
          .sort((a, b) => a.fileNumber - b.fileNumber)
      },
      durable: () => {
        // What was recovered is on disk.
        if (!engine.isActive) return { segment: Number.POSITIVE_INFINITY, bytes: 0 }
        const { oldestUnsynced, segment, syncedBytes } = wal.unsafeStatus()
        if (oldestUnsynced !== undefined && oldestUnsynced !== segment) return { segment: oldestUnsynced, bytes: 0 }
        return { segment, bytes: syncedBytes ?? 0 }
      },
      newest: () => engine.visibleSequence,
      isSynced: () => {
        const { oldestUnsynced, segment } = wal.unsafeStatus()
        return !engine.isActive || (wal.unsafeUnsyncedBytes() <= 0 && oldestUnsynced === segment)
      }
    }))
  })

/** The changes that a reader finds, as they come. */
export const changesOf = (engine: Engine, reader: ChangeReader, range: KeyRange): ArraySource<Change, FeedError> => {
  const next: Effect.Effect<ReadonlyArray<Change>, FeedError> = attempt(() => {
    const refusal = engine.readRefusal()
    if (refusal !== undefined) return Effect.fail(refusal)
    const before = extentOf(engine)
    const { changes, isWhole } = read(engine, reader, range)
    if (changes.length > 0) return Effect.succeed(changes)
    return Effect.zipRight(isWhole ? untilMore(engine, before) : engine.parts.storage.yieldToEventLoop, next)
  })
  return { next, hasMore: () => true }
}

/**
 * Reads some changes. `isWhole`: nothing more is there now. A change without operations stands for what
 * was passed over, so that a reader of a small range keeps its place.
 */
const read = (
  engine: Engine,
  reader: ChangeReader,
  range: KeyRange
): { readonly changes: ReadonlyArray<Change>; readonly isWhole: boolean } => {
  const changes: Array<Change> = []
  let bytes = 0
  let passed = 0
  while (changes.length < changesAtOnce && bytes < bytesAtOnce) {
    if (passed === recordsPerTurn) {
      changes.push({ position: positionAt(engine, reader.position), operations: [] })
      return { changes, isWhole: false }
    }
    const record = reader.next()
    if (record === undefined) return { changes, isWhole: true }
    bytes += record.end - record.start
    const operations = operationsOf(record, range)
    if (operations.length === 0) passed++
    else {
      passed = 0
      changes.push({ position: positionAt(engine, record.last), operations })
    }
  }
  return { changes, isWhole: false }
}

/** How far the log is on disk, to be compared with a later state. */
const extentOf = ({ isActive, parts: { wal } }: Engine): string => {
  const { oldestUnsynced, segment, syncedBytes } = wal.unsafeStatus()
  return `${isActive} ${segment} ${oldestUnsynced} ${syncedBytes}`
}

/** Waits until more is durable than there was. What nobody syncs is synced soon. */
const untilMore = (engine: Engine, before: string): Effect.Effect<void, FeedError> =>
  Effect.flatMap(
    engine.durable.until(() => {
      if (extentOf(engine) !== before || engine.closed) return "more" as const
      if (engine.poison !== undefined) return engine.writeRefusal()
      if (engine.isActive && engine.parts.wal.unsafeUnsyncedBytes() > 0) engine.syncSoon()
      else engine.wantsSync = true
      return undefined
    }),
    (found) => (found === "more" ? Effect.void : Effect.fail(found))
  )

/** Evaluates at once. Failures of the core become errors. */
const attempt = <A>(evaluate: () => Effect.Effect<A, FeedError>): Effect.Effect<A, FeedError> =>
  Effect.suspend(() => {
    try {
      return evaluate()
    } catch (failure) {
      if (failure instanceof HistoryGone) {
        return Effect.fail(new SequenceTooOld({ sequence: failure.sequence, oldest: failure.oldest }))
      }
      return Effect.fail(toReadError(failure))
    }
  })
