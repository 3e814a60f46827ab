import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Compactor, Manifest, Memtable, Metrics, SSTableStore, Storage, TableMerger, Wal } from "effect-lsm"

type Requirements =
  | Storage.Storage
  | Metrics.Metrics
  | Manifest.Manifest
  | Wal.Wal
  | Memtable.Memtable
  | SSTableStore.SSTableStore
  | TableMerger.TableMerger

/**
 * A compactor without background fibers. A writer that finds the memtable full flushes it in its
 * own fiber. A manual compaction merges everything into the deepest level.
 */
export const layer: Layer.Layer<Compactor.Compactor, never, Requirements> = Layer.effect(
  Compactor.Compactor,
  Effect.gen(function* () {
    const storage = yield* Storage.Storage
    const metrics = yield* Metrics.Metrics
    const manifest = yield* Manifest.Manifest
    const wal = yield* Wal.Wal
    const memtable = yield* Memtable.Memtable
    const tables = yield* SSTableStore.SSTableStore
    const merger = yield* TableMerger.TableMerger
    const oneAtATime = yield* Effect.makeSemaphore(1)
    let snapshots: Compactor.Hooks["snapshots"] = () => []

    const prepareSegment = Effect.gen(function* () {
      if (!wal.unsafeNeedsSegment()) return
      const segment = manifest.unsafeAllocate()
      yield* wal.prepare(manifest.storeId, segment)
      yield* manifest.apply({ addedSegments: [segment] })
      wal.unsafeOffer(segment)
    })

    const removeObsolete = Effect.suspend(() =>
      Effect.forEach(manifest.unsafeTakeObsolete(), (fileNumber) => Effect.ignore(tables.remove(fileNumber)), {
        discard: true
      })
    )

    const flushOldest = Effect.gen(function* () {
      const frozen = memtable.unsafeFrozen()[0]
      if (frozen === undefined) return false
      for (const cursor of frozen.versionCursors()) {
        const others = memtable.unsafeAll().filter((other) => other !== frozen)
        const kept = Math.min(...others.map(({ firstSegment }) => firstSegment))
        const removedSegments = manifest
          .unsafeState()
          .segments.slice(0, -1)
          .filter((segment) => segment < kept)
        const written = yield* tables.write({
          cursor,
          retention: { keeps: () => true },
          targetSize: Number.POSITIVE_INFINITY,
          level: 0,
          allocate: manifest.unsafeAllocate
        })
        const added = written.tables.map((table) => ({ level: 0, table }))
        yield* manifest.apply({ added, flushedSequence: frozen.largestSequence, removedSegments })
        memtable.unsafeRelease(frozen)
        metrics.flushes.add(1)
        yield* Effect.ignore(wal.remove(removedSegments))
      }
      return true
    })

    const flushFrozen = Effect.repeat(flushOldest, { while: (flushed) => flushed })

    const flush = Effect.gen(function* () {
      if (!memtable.unsafeActive().isEmpty) {
        yield* prepareSegment
        while (!wal.unsafeCanRotate()) yield* storage.yieldToEventLoop
        memtable.unsafeFreeze(wal.unsafeRotate())
      }
      yield* flushFrozen
    }).pipe(Effect.uninterruptible, oneAtATime.withPermits(1))

    /** Merges the tables of all levels, unless all are at the deepest one with nothing to drop. */
    const compact = Effect.gen(function* () {
      const { levels } = manifest.unsafeVersion()
      const inputs = levels.flatMap((level, i) => level.map((table) => ({ level: i, table })))
      const deepest = levels.length - 1
      const isDone = inputs.every(
        ({ level, table }) => level === deepest && table.deletions === 0 && (table.superseded?.entries ?? 0) === 0
      )
      if (isDone) return
      const written = yield* merger.merge({
        runs: levels.flatMap((level, i) => (i === 0 ? level.map((table) => [table]) : [level])),
        below: [],
        storeId: manifest.storeId,
        snapshots: snapshots(),
        targetSize: 64 * 1024,
        level: deepest,
        allocate: manifest.unsafeAllocate
      })
      yield* manifest.apply({
        removed: inputs.map(({ level, table }) => ({ level, fileNumber: table.fileNumber })),
        added: written.tables.map((table) => ({ level: deepest, table }))
      })
      metrics.compactions.add(1)
      yield* removeObsolete
    }).pipe(Effect.uninterruptible, oneAtATime.withPermits(1))

    return {
      start: (hooks) =>
        Effect.sync(() => {
          snapshots = hooks.snapshots
        }),
      stop: removeObsolete,
      unsafeRotateIfFull: () => undefined,
      unsafeMustWait: () => memtable.unsafeActive().isFull,
      unsafePace: () => false,
      awaitAdmission: flush,
      unsafeReleased: () => undefined,
      unsafeNotify: () => undefined,
      unsafeIsBusy: () => false,
      flush,
      flushFrozen,
      compact: () => compact,
      resume: Effect.void,
      unsafeStatus: () => ({ backgroundError: undefined, scores: manifest.unsafeVersion().levels.map(() => 0) })
    }
  })
)
