import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Compactor } from "../Compactor.js"
import { batchCount, batchSequence } from "../internal/batchFormat.js"
import { compare } from "../internal/bytes.js"
import { logName } from "../internal/fileNames.js"
import type { LogEnd } from "../internal/logSegment.js"
import { SequenceChain } from "../internal/sequenceChain.js"
import type { FileError, OpenError, ReadError, WriteError } from "../LsmError.js"
import type { Settings } from "../LsmOptions.js"
import type { Components, Range, Store } from "../LsmStore.js"
import { Manifest } from "../Manifest.js"
import { Memtable } from "../Memtable.js"
import { Metrics } from "../Metrics.js"
import { SSTableStore } from "../SSTableStore.js"
import { Storage } from "../Storage.js"
import { type Replay, Wal } from "../Wal.js"
import { approximateCount, approximateSize } from "./approximate.js"
import { Engine, toKeyRange } from "./engine.js"
import { noSync, startIntervalSync } from "./intervalSync.js"
import { prometheusText } from "./prometheus.js"
import { Reads } from "./reads.js"
import { Scans } from "./scans.js"
import { type RecoveryStats, statistics } from "./statistics.js"
import { warnOfDamage } from "./warnings.js"
import { Writes } from "./writes.js"

/** A memtable larger than this is flushed when the store closes, so that the next open has little to replay. */
const flushOnCloseBytes = 512 * 1024
/** The same for a log of this many segments: each open begins one. */
const flushOnCloseSegments = 8

/** Opens a store from its components: recovers what is there, then starts the background work. */
export const openStore = (settings: Settings): Effect.Effect<Store, OpenError, Components | Scope.Scope> =>
  Effect.gen(function* () {
    const engine = new Engine({
      settings,
      storage: yield* Storage,
      metrics: yield* Metrics,
      manifest: yield* Manifest,
      wal: yield* Wal,
      memtable: yield* Memtable,
      tables: yield* SSTableStore,
      compactor: yield* Compactor
    })
    const { compactor, wal } = engine.parts
    const recovery = yield* recover(engine)
    if (!settings.readOnly) {
      yield* compactor.start({
        snapshots: () => engine.heldSequences(),
        poisoned: (failure) => poison(engine, failure)
      })
    }
    yield* Effect.addFinalizer(() => close(engine))
    const intervalSync = settings.readOnly ? noSync : yield* startIntervalSync(wal, yield* Effect.scope)
    yield* Effect.logDebug("opened").pipe(
      annotate({ directory: settings.directory, tables: engine.parts.manifest.unsafeVersion().tableCount })
    )
    return makeStore(engine, new Writes(engine, intervalSync), recovery)
  }).pipe(Effect.withSpan("lsm.open", { captureStackTrace: false, attributes: { directory: settings.directory } }))

const annotate = (fields: Record<string, unknown>) => Effect.annotateLogs({ component: "LsmStore", ...fields })

const poison = (engine: Engine, failure: FileError): void => {
  engine.poison ??= failure
  engine.parts.compactor.unsafeNotify()
}

/** Replays the log and, unless the store is only read, makes the manifest and the log writable and removes what a crash has left. */
const recover = (engine: Engine): Effect.Effect<RecoveryStats, OpenError> =>
  Effect.gen(function* () {
    const { manifest, settings } = engine.parts
    const { segments } = manifest.unsafeState()
    const replayed = yield* replay(engine)
    const salvage = manifest.unsafeSalvage()
    const lost = salvage?.lost ?? replayed.lost
    let aside = salvage?.aside
    let orphans: ReadonlyArray<string> = []
    if (!settings.readOnly) {
      if (replayed.lost.length > 0) aside = yield* keepSegments(engine, replayed.end)
      yield* makeWritable(engine, replayed)
      orphans = yield* manifest.removeOrphans
    }
    yield* Effect.logDebug("recovered").pipe(
      annotate({
        directory: settings.directory,
        segments: segments.length,
        records: replayed.records,
        sequence: engine.visibleSequence
      })
    )
    return {
      segments: segments.length,
      records: replayed.records,
      dropped: replayed.dropped,
      orphans,
      lost,
      aside
    }
  })

/** Reads the log into memtables. */
const replay = (engine: Engine): Effect.Effect<Replay, OpenError> =>
  Effect.gen(function* () {
    const { manifest, memtable, tables, wal, settings } = engine.parts
    const { storeId } = manifest
    const { segments, flushedSequence, closed } = manifest.unsafeState()
    tables.unsafeAttach(storeId)
    memtable.unsafeBegin(segments[0] ?? 0)
    const chain = new SequenceChain(flushedSequence)
    const replayed = yield* wal
      .replay(
        storeId,
        segments,
        (bytes, start, end, segment) => {
          chain.take(bytes, start, end)
          // A segment may begin with records that an earlier flush has put into a table.
          if (chain.last <= flushedSequence) return
          if (memtable.unsafeActive().isFull) memtable.unsafeFreeze(segment)
          memtable.unsafeApply(bytes, start, end)
        },
        closed,
        { cut: settings.recovery === "pointInTime", sync: !settings.readOnly }
      )
      .pipe(Effect.withSpan("lsm.recovery", { captureStackTrace: false }))
    engine.visibleSequence = Math.max(chain.last, flushedSequence)
    engine.nextSequence = engine.visibleSequence + 1
    for (const tail of replayed.dropped) {
      yield* Effect.logWarning("dropped a torn end of the log").pipe(Effect.annotateLogs({ component: "Wal", ...tail }))
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

/** Begins a new manifest and a new segment of the log. */
const makeWritable = (engine: Engine, { end, lost }: Replay): Effect.Effect<void, OpenError> =>
  Effect.gen(function* () {
    const { manifest, memtable, wal, metrics, compactor } = engine.parts
    const { storeId } = manifest
    const { segments } = manifest.unsafeState()
    yield* manifest.begin
    const segment = manifest.unsafeAllocate()
    yield* wal.prepare(storeId, segment)
    const nothingHeld = memtable.unsafeActive().isEmpty && memtable.unsafeFrozen().length === 0
    const removedSegments = nothingHeld ? segments : segmentsAfter(segments, end.fileNumber)
    // A log that was cut is as short as it is on purpose, however it was closed before.
    const closed = lost.length > 0 ? { fileNumber: end.fileNumber, size: end.size } : undefined
    yield* manifest.apply({ addedSegments: [segment], removedSegments, closed })
    yield* Effect.ignore(wal.remove(removedSegments))
    wal.unsafeOffer(segment)
    if (nothingHeld) memtable.unsafeBegin(segment)
    yield* wal.begin(storeId, end, {
      apply: (bytes, start, to) => {
        memtable.unsafeApply(bytes, start, to)
        engine.visibleSequence = batchSequence(bytes, start) + batchCount(bytes, start) - 1
      },
      settled: compactor.unsafeSettled,
      synced: (records) => {
        metrics.logSyncs.add(1)
        metrics.syncedRecords.add(records)
      },
      failed: (failure) => poison(engine, failure)
    })
  })

/** Segments behind the last one with a record: empty, or dropped with a torn end. */
const segmentsAfter = (segments: ReadonlyArray<number>, last: number): ReadonlyArray<number> =>
  segments.slice(segments.indexOf(last) + 1)

/** Makes everything acknowledged durable, ends the background work, and closes the files. Errors are told, not raised. */
const close = (engine: Engine): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (engine.closed) return Effect.void
    const { wal, memtable, compactor, manifest, settings } = engine.parts
    engine.closed = true
    compactor.unsafeNotify()
    const tell = <E>(what: string) =>
      Effect.catchAllCause<E, void, never, never>((cause) =>
        Effect.logError(`closing: ${what} failed`, cause).pipe(annotate({ directory: settings.directory }))
      )
    return Effect.gen(function* () {
      if (engine.poison === undefined && !settings.readOnly) {
        yield* wal.sync.pipe(tell("the last sync"))
        const held = memtable.unsafeAll().reduce((n, table) => n + table.dataBytes, 0)
        const much = held > flushOnCloseBytes || manifest.unsafeState().segments.length >= flushOnCloseSegments
        if (much && engine.poison === undefined) yield* compactor.flush.pipe(tell("the last flush"))
      }
      yield* compactor.stop
      if (engine.poison === undefined && !settings.readOnly) {
        yield* wal.close.pipe(
          Effect.flatMap((closed) => manifest.apply({ closed })),
          tell("closing the log")
        )
      }
      yield* Effect.logDebug("closed").pipe(annotate({ directory: settings.directory }))
    })
  })

const makeStore = (engine: Engine, writes: Writes, recovery: RecoveryStats): Store => {
  const { wal, compactor, metrics, storage } = engine.parts
  const reads = new Reads(engine)
  const scans = new Scans(engine)

  /** Work that a closing store gives up ends as `StoreClosed`; none begins on one that is closed or poisoned. */
  const whileOpen = (work: Effect.Effect<void, WriteError>): Effect.Effect<void, WriteError> => {
    const check = Effect.suspend(() => {
      const refusal = engine.writeRefusal()
      return refusal === undefined ? Effect.void : Effect.fail(refusal)
    })
    return Effect.zipRight(check, Effect.zipRight(work, check))
  }

  const compact = (range?: Range): Effect.Effect<void, WriteError> =>
    Effect.flatMap(
      engine.read(() => toKeyRange(range)),
      ({ start, end }) => {
        if (start !== undefined && end !== undefined && compare(start, end) >= 0) return Effect.void
        const work = Effect.zipRight(compactor.flush, compactor.compact({ smallest: start, largest: end }))
        // A loop of compactions with nothing to do must not keep the event loop to itself.
        return whileOpen(Effect.zipRight(storage.turn, work))
      }
    )

  const stats = engine.read(() => statistics(engine, recovery))

  return {
    put: writes.put,
    delete: writes.delete,
    write: writes.write,
    get: reads.get,
    getString: reads.getString,
    getMany: reads.getMany,
    has: reads.has,
    unsafeGet: reads.unsafeGet,
    scan: scans.scan,
    entries: scans.scan,
    keys: scans.keys,
    values: scans.values,
    cursor: scans.cursor,
    snapshot: scans.snapshot,
    count: scans.count,
    approximateCount: (range) => engine.read(() => approximateCount(engine, toKeyRange(range))),
    approximateSize: (range) => engine.read(() => approximateSize(engine, toKeyRange(range))),
    sync: whileOpen(wal.sync),
    flush: whileOpen(compactor.flush),
    compact,
    resume: compactor.resume,
    stats,
    prometheus: Effect.zipRight(
      Effect.ignore(stats as Effect.Effect<unknown, ReadError>),
      prometheusText(metrics.store)
    )
  }
}
