/**
 * When to flush and compact, what to compact, and when writers must wait.
 *
 * @since 3.0.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { makeBackgroundWork } from "./internal/compactor/backgroundWork.js"
import { makeCompactions } from "./internal/compactor/compaction.js"
import { makeFlush } from "./internal/compactor/flush.js"
import { makeRotation } from "./internal/compactor/rotation.js"
import { CompactorState, everyWork, type Hooks } from "./internal/compactor/state.js"
import { makeWriteStalls } from "./internal/compactor/writeStalls.js"
import type { FileError, InvalidArgument } from "./LsmError.js"
import * as LsmOptions from "./LsmOptions.js"
import { Manifest } from "./Manifest.js"
import { Memtable } from "./Memtable.js"
import { Metrics } from "./Metrics.js"
import { SSTableStore } from "./SSTableStore.js"
import { Storage } from "./Storage.js"
import type { Emit } from "./StoreEvent.js"
import { TableMerger } from "./TableMerger.js"
import { Wal } from "./Wal.js"

export type {
  /**
   * Functions that the store passes to the compactor.
   *
   * @since 3.0.0
   * @category models
   */
  Hooks
} from "./internal/compactor/state.js"

/**
 * @since 3.0.0
 * @category models
 */
export interface CompactorService {
  /** Starts the background fibers. */
  readonly start: (hooks: Hooks) => Effect.Effect<void>
  /**
   * Sets the function that gets the events of background work. Called once, before anything else.
   * Without it, events are dropped.
   *
   * @since 3.1.0
   */
  readonly unsafeOnEvent?: (emit: Emit) => void
  /** Ends the background fibers. Work under way is interrupted, and leaves nothing behind. */
  readonly stop: Effect.Effect<void>
  /** Freezes a full memtable and rotates the log. Called when no record waits in the log. */
  readonly unsafeRotateIfFull: () => void
  /** Whether a write must wait for background work before it begins. */
  readonly unsafeMustWait: () => boolean
  /**
   * Counts bytes written. Returns true if the writer should yield to the event loop, so that
   * background work keeps up.
   */
  readonly unsafePace: (bytes: number) => boolean
  /** Waits until writes may go on; fails when the background work that they wait for fails. */
  readonly awaitAdmission: Effect.Effect<void, FileError>
  /** Called when a snapshot is released. Versions that it kept may be dropped now. */
  readonly unsafeReleased: () => void
  /** Makes waiting fibers check their conditions again. */
  readonly unsafeNotify: () => void
  /** Whether background work waits for the event loop. */
  readonly unsafeIsBusy: () => boolean
  readonly flush: Effect.Effect<void, FileError>
  /**
   * Flushes every frozen memtable in the caller's fiber, before the background fibers are started.
   */
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
 * @since 3.0.0
 * @category tags
 */
export class Compactor extends Context.Tag("effect-lsm/Compactor")<Compactor, CompactorService>() {}

type Requirements = Storage | Metrics | Manifest | Wal | Memtable | SSTableStore | TableMerger

/**
 * @since 3.0.0
 * @category constructors
 */
export const make = (
  options: LsmOptions.LsmOptions
): Effect.Effect<CompactorService, InvalidArgument, Requirements | Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* LsmOptions.resolveOptions(options)
    // One step of the fiber instead of eight: code is slow in a process that has just started.
    const context = yield* Effect.context<Requirements | Scope.Scope>()
    // The fibers get a scope that is added now. Forked into the outer scope later, at the first
    // write, they would end before the store that the same scope closes.
    const scope = yield* Scope.fork(Context.get(context, Scope.Scope), ExecutionStrategy.sequential)
    const state = new CompactorState({
      settings,
      storage: Context.get(context, Storage),
      metrics: Context.get(context, Metrics),
      manifest: Context.get(context, Manifest),
      wal: Context.get(context, Wal),
      memtable: Context.get(context, Memtable),
      tables: Context.get(context, SSTableStore),
      merger: Context.get(context, TableMerger)
    })
    const rotation = makeRotation(state)
    const stalls = makeWriteStalls(state, rotation)
    const flushes = makeFlush(state, rotation, stalls)
    const compactions = makeCompactions(state, stalls)
    const steps = {
      "segment preparation": rotation.prepareSegment,
      flush: flushes.flushOldest,
      compaction: compactions.compactOnce
    }
    const background = makeBackgroundWork(state, scope, steps, compactions, stalls.reports)
    return {
      start: background.start,
      unsafeOnEvent: (emit) => {
        state.emit = emit
      },
      stop: background.stop,
      unsafeRotateIfFull: rotation.rotateIfFull,
      unsafeMustWait: stalls.mustWait,
      unsafePace: stalls.pace,
      awaitAdmission: stalls.awaitAdmission,
      unsafeReleased: () => {
        const { holdsRanges } = state.parts.manifest.unsafeVersion()
        if (holdsRanges || compactions.holdsSuperseded()) state.wake("compaction")
      },
      unsafeNotify: state.gate.notify,
      unsafeIsBusy: state.isBusy,
      flush: flushes.flush,
      flushFrozen: flushes.flushFrozen,
      compact: background.compact,
      resume: Effect.sync(() => {
        for (const work of everyWork) state.retryNow(work)
      }),
      unsafeStatus: () => ({ backgroundError: state.failure(), scores: compactions.scores() })
    }
  })

/**
 * @since 3.0.0
 * @category layers
 */
export const layer = (options: LsmOptions.LsmOptions): Layer.Layer<Compactor, InvalidArgument, Requirements> =>
  Layer.scoped(Compactor, make(options))
