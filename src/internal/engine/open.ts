import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Compactor } from "../../Compactor.js"
import { compare } from "../../core/bytes/bytes.js"
import type { OpenError, WriteError } from "../../LsmError.js"
import type { Settings } from "../../LsmOptions.js"
import { Manifest } from "../../Manifest.js"
import { Memtable } from "../../Memtable.js"
import { Metrics } from "../../Metrics.js"
import { SSTableStore } from "../../SSTableStore.js"
import { Storage } from "../../Storage.js"
import type { Range } from "../../Store.js"
import { Wal } from "../../Wal.js"
import { withSource } from "../checkpoint/storeSource.js"
import { lazyFibers } from "../effect/lazyFibers.js"
import { annotate, logDebug } from "../effect/logging.js"
import { annotateSpan, traced } from "../effect/tracing.js"
import { currentRegistry, type Registry } from "../metrics/effectMetrics.js"
import { prometheusText } from "../metrics/prometheus.js"
import { withAccess } from "./access.js"
import { activateWhenAsked } from "./activation.js"
import { approximateCount, approximateSize } from "./approximate.js"
import { sourceOfEngine } from "./capture.js"
import type { Components } from "./components.js"
import { ConditionalWrites } from "./conditionalWrites.js"
import { Conditions } from "./conditions.js"
import { Engine, toKeyRange } from "./engine.js"
import type { EngineStore } from "./engineStore.js"
import { type IntervalSync, makeIntervalSync, noSync } from "./intervalSync.js"
import { Reads } from "./reads.js"
import { recover } from "./recover.js"
import { Scans } from "./scans.js"
import { Snapshots } from "./snapshots.js"
import { gaugesOf, type RecoveryStats, statistics } from "./statistics.js"
import { maxBatchBytes, Writes } from "./writes.js"

/**
 * A memtable larger than this is flushed when the store closes, so that the next open has little to
 * replay.
 */
const flushOnCloseBytes = 512 * 1024
/** A log with this many segments is flushed too: each open starts one. */
const flushOnCloseSegments = 8

/** Opens a store from its components: recovers its state, then starts background work. */
export const openStore = (settings: Settings): Effect.Effect<EngineStore, OpenError, Components | Scope.Scope> =>
  Effect.gen(function* () {
    const components = yield* Effect.context<Components>()
    const clock = yield* Effect.clock
    const engine = new Engine(
      {
        settings,
        storage: Context.get(components, Storage),
        metrics: Context.get(components, Metrics),
        manifest: Context.get(components, Manifest),
        wal: Context.get(components, Wal),
        memtable: Context.get(components, Memtable),
        tables: Context.get(components, SSTableStore),
        compactor: Context.get(components, Compactor)
      },
      () => clock.unsafeCurrentTimeMillis()
    )
    const { compactor, metrics, storage, wal } = engine.parts
    compactor.unsafeOnEvent?.(engine.hub.emit)
    const registered = metrics.unsafeOpen(gaugesOf(engine), storage.driver.yieldToEventLoop.bind(storage.driver))
    // Runs after the store has closed or has failed to open.
    yield* Effect.addFinalizer(() => Effect.sync(registered.closed))
    const { stats, makeWritable, isSettled } = yield* recover(engine)
    const begin = Effect.tap(makeWritable, () =>
      compactor.start({
        snapshots: () => engine.snapshots.sequences,
        expiredUntil: () => engine.expiredUntil(),
        time: () => engine.time(),
        report: warnOfSnapshots(engine),
        poisoned: engine.poisonWith
      })
    )
    let orphans: ReadonlyArray<string> = []
    if (!settings.readOnly && !isSettled) {
      orphans = yield* begin
      engine.isActive = true
    }
    yield* Effect.addFinalizer(() =>
      Effect.ensuring(
        close(engine),
        Effect.sync(() => engine.hub.close())
      )
    )
    // These fibers end before the store is closed.
    const fibers = yield* lazyFibers
    if (!settings.readOnly && isSettled) {
      let asking: Effect.Effect<void, WriteError> | undefined
      engine.activate = Effect.suspend(() => (asking ??= activateWhenAsked(engine, begin, fibers)))
    }
    const intervalSync = settings.readOnly ? noSync : makeIntervalSync(wal, clock, fibers)
    engine.requestSync = intervalSync.unsafeRequest
    yield* logDebug("LsmStore", "opened", {
      directory: settings.directory,
      tables: engine.parts.manifest.unsafeVersion().tableCount
    })
    const registry = yield* currentRegistry
    yield* annotateSpan(() => {
      const version = engine.parts.manifest.unsafeVersion()
      const tables = version.tableCount
      return { tables, bytes: version.byteCount, sequence: engine.visibleSequence, orphans: orphans.length }
    })
    engine.hub.opened()
    return makeStore(engine, intervalSync, { ...stats, orphans }, registered.show, registry)
  }).pipe(traced("lsm.open", { store: settings.name, directory: settings.directory }))

/**
 * Warns of snapshots that have been held for long, each once. Background work calls it: that is when
 * they cost something.
 */
const warnOfSnapshots = (engine: Engine): Effect.Effect<void> => {
  const { hub, parts, snapshots } = engine
  return Effect.suspend(() =>
    Effect.forEach(
      snapshots.takeOverdue(Duration.toMillis(parts.settings.snapshotWarning)),
      ({ sequence, takenAt, origin }) => {
        hub.emit(() => ({
          _tag: "SnapshotTooOld",
          reason: "notReleased",
          sequence,
          heldMillis: engine.time() - takenAt,
          fiber: origin?.fiber,
          span: origin?.span,
          line: origin?.at
        }))
        return Effect.logWarning("a snapshot has been held for long: compactions keep what it sees").pipe(
          annotate("LsmStore", { sequence, takenAt: new Date(takenAt).toISOString(), ...origin })
        )
      },
      { discard: true }
    )
  )
}

/**
 * Makes every acknowledged write durable, ends background work, and closes the files. Errors are
 * logged, not raised.
 */
const close = (engine: Engine): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (engine.closed) return Effect.void
    const { wal, memtable, compactor, manifest, settings } = engine.parts
    engine.closed = true
    engine.closeAll()
    compactor.unsafeNotify()
    const tell = <E>(what: string) =>
      Effect.catchAllCause<E, void, never, never>((cause) =>
        Effect.logError(`closing: ${what} failed`, cause).pipe(annotate("LsmStore", { directory: settings.directory }))
      )
    return Effect.gen(function* () {
      if (engine.poison === undefined && engine.isActive) {
        yield* wal.sync.pipe(tell("the last sync"))
        const held = memtable.unsafeAll().reduce((n, table) => n + table.dataBytes, 0)
        const much = held > flushOnCloseBytes || manifest.unsafeState().segments.length >= flushOnCloseSegments
        if (much && engine.poison === undefined) yield* compactor.flush.pipe(tell("the last flush"))
      }
      yield* compactor.stop
      if (engine.poison === undefined && engine.isActive) {
        yield* wal.close.pipe(
          Effect.flatMap((closed) => manifest.apply({ closed, time: engine.time() })),
          tell("closing the log")
        )
      }
      yield* logDebug("LsmStore", "closed", { directory: settings.directory })
    })
  })

const makeStore = (
  engine: Engine,
  intervalSync: IntervalSync,
  recovery: RecoveryStats,
  showGauges: () => void,
  registry: Registry
): EngineStore => {
  const { wal, compactor, metrics, storage } = engine.parts
  const reads = new Reads(engine)
  const scans = new Scans(engine)
  const snapshots = new Snapshots(engine, reads, scans)
  const conditions = new Conditions(engine, reads)
  const writes = new Writes(engine, intervalSync, conditions)
  const conditional = new ConditionalWrites(engine, writes, conditions)

  /**
   * Runs work only on a store that is open and not poisoned. Work cut short by closing fails with
   * `StoreClosed`.
   */
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
        const work = engine.whenActive(
          Effect.zipRight(compactor.flush, compactor.compact({ smallest: start, largest: end }))
        )
        // A loop of compactions that have nothing to do must not block the event loop.
        return whileOpen(Effect.zipRight(storage.yieldToEventLoop, work))
      }
    )

  const stats = engine.read(() => statistics(engine, recovery))

  const { maxKeyBytes, maxValueBytes } = engine.parts.settings
  const store: EngineStore = {
    identity: engine,
    limits: {
      keyBytes: maxKeyBytes,
      valueBytes: maxValueBytes,
      batchBytes: maxBatchBytes,
      batchOperations: Number.POSITIVE_INFINITY,
      snapshotMillis: Number.POSITIVE_INFINITY,
      reads: "linearizable"
    },
    put: writes.put,
    delete: writes.delete,
    deleteRange: writes.deleteRange,
    deletePrefix: writes.deletePrefix,
    write: writes.write,
    update: conditional.update,
    expire: conditional.expire,
    persist: conditional.persist,
    expiresAt: reads.expiresAt,
    compareAndSet: conditional.compareAndSet,
    get: reads.get,
    getEntry: reads.getEntry,
    getString: reads.getString,
    getWith: reads.getWith,
    getMany: reads.getMany,
    has: reads.has,
    unsafeGet: reads.unsafeGet,
    scan: scans.scan,
    collect: scans.collect,
    entries: scans.scan,
    keys: scans.keys,
    values: scans.values,
    cursor: scans.cursor,
    snapshot: snapshots.snapshot,
    unsafeCursor: scans.unsafeCursor,
    unsafeSnapshot: snapshots.unsafeSnapshot,
    count: scans.count,
    approximateCount: (range) => engine.read(() => approximateCount(engine, toKeyRange(range))),
    approximateSize: (range) => engine.read(() => approximateSize(engine, toKeyRange(range))),
    sync: whileOpen(Effect.suspend(() => (engine.isActive ? wal.sync : Effect.void))),
    flush: whileOpen(engine.whenActive(compactor.flush)),
    compact,
    resume: compactor.resume,
    stats,
    events: engine.hub.events,
    prometheus: Effect.zipRight(Effect.sync(showGauges), prometheusText(registry, metrics.store))
  }
  const source = sourceOfEngine(engine, recovery.lost)
  return withAccess(withSource(store, source), { engine, scans, writes, conditions })
}
