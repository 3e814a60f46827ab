/**
 * The write-ahead log: segments, framing, group commit, replay.
 *
 * @since 3.0.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ClosedSegment, LogEnd, LogState } from "./core/log/logSegment.js"
import { type Done, LogWriter, type Segment } from "./core/log/logWriter.js"
import type { RetainedSegment } from "./core/log/retainedSegment.js"
import { encodeFileHeader, fileHeaderSize, logVersion, saltOf } from "./core/storage/fileHeader.js"
import { logName } from "./core/storage/fileNames.js"
import { closeQuietly } from "./core/storage/storageDriver.js"
import type { LoggedValues } from "./core/values/loggedValues.js"
import { type Replay, type ReplayOptions, replaySegments } from "./internal/wal/replay.js"
import { makeRetention } from "./internal/wal/retention.js"
import { type FileError, fromFailure, type InvalidArgument } from "./LsmError.js"
import { type LsmOptions, resolveOptions } from "./LsmOptions.js"
import { attempt, callback, Storage, syncFile } from "./Storage.js"

export type {
  /**
   * The last segment of a log that was closed in order, and its size then.
   *
   * @since 3.0.0
   * @category models
   */
  ClosedSegment,
  /**
   * The last segment that holds a record, and how far it is valid.
   *
   * @since 3.0.0
   * @category models
   */
  LogEnd,
  /**
   * The segments of the log, and its end, as the manifest records them.
   *
   * @since 3.0.0
   * @category models
   */
  LogState,
  /**
   * A torn end of the log that recovery dropped.
   *
   * @since 3.0.0
   * @category models
   */
  TornTail
} from "./core/log/logSegment.js"
export type {
  /**
   * Called when the durability of a record is met, or when the log has failed.
   *
   * @since 3.0.0
   * @category models
   */
  Done
} from "./core/log/logWriter.js"
export {
  /**
   * Durabilities as numbers, for the log's hot path.
   *
   * @since 3.0.0
   * @category models
   */
  CommitMode
} from "./core/log/logWriter.js"
export type {
  /**
   * A segment that the store does not need any more, kept for the feed of changes.
   *
   * @since 3.1.0
   * @category models
   */
  RetainedSegment
} from "./core/log/retainedSegment.js"
export type {
  /**
   * The places of large values in a log segment.
   *
   * @since 3.1.0
   * @category models
   */
  LoggedValues
} from "./core/values/loggedValues.js"
export type {
  /**
   * The result of a replay.
   *
   * @since 3.0.0
   * @category models
   */
  Replay,
  /**
   * @since 3.0.0
   * @category models
   */
  ReplayOptions
} from "./internal/wal/replay.js"

/**
 * Functions that the log calls. They run synchronously and in log order, as soon as the durability
 * of a record is met.
 *
 * @since 3.0.0
 * @category models
 */
export interface Hooks {
  /** A record is kept. Its payload is `bytes[start, end)`, valid during the call. */
  readonly apply: (bytes: Uint8Array, start: number, end: number, segment: number) => void
  /** Records were applied and none waits. The log may be rotated now. */
  readonly settled: () => void
  /** A sync made this many records durable. */
  readonly synced: (records: number, bytes: number) => void
  /**
   * More of the log is on disk than before.
   *
   * @since 3.1.0
   */
  readonly durable?: (() => void) | undefined
  /** The log failed and takes no more records. */
  readonly failed: (failure: FileError) => void
  /** Returns for how many milliseconds a sync may block the calling thread now. Default 0. */
  readonly mayHold?: (() => number) | undefined
}

/**
 * @since 3.0.0
 * @category models
 */
export interface WalService {
  /**
   * Reads the segments in order and passes each record to `apply`. Drops a torn end only. Writes
   * nothing.
   */
  readonly replay: (
    storeId: Uint8Array,
    log: LogState,
    apply: Hooks["apply"],
    options?: ReplayOptions
  ) => Effect.Effect<Replay, FileError>
  /** Makes an empty segment. The file and its directory entry are durable when it returns. */
  readonly prepare: (storeId: Uint8Array, segment: number) => Effect.Effect<void, FileError>
  /**
   * Makes a prepared segment available, in the order of the calls. Call it once the manifest names
   * the segment.
   */
  readonly unsafeOffer: (segment: number) => void
  /** Opens the log for records. They go to the first segment offered, which follows `end`. */
  readonly begin: (storeId: Uint8Array, end: LogEnd, hooks: Hooks) => Effect.Effect<void, FileError>
  /**
   * Reserves a record of `size` bytes. Returns the offset in `unsafeBuffer()` where the caller
   * writes its payload at once.
   */
  readonly unsafeReserve: (size: number) => number
  readonly unsafeBuffer: () => Uint8Array
  /**
   * Marks a large value of the reserved record, at `[start, end)` of `unsafeBuffer()`. Values are
   * marked in the order of their sequence numbers. Optional, like `unsafeLoggedValues`.
   *
   * @since 3.1.0
   */
  readonly unsafeMarkValue?: (start: number, end: number, sequence: number) => void
  /**
   * Commits the reserved record if that needs no wait. Returns true if the record is applied; on
   * false, call `unsafeCommit`. `alone` says that no other writer is expected to share a sync.
   */
  readonly unsafeCommitNow: (durability: number, alone: boolean) => boolean
  /**
   * Commits the reserved record. Returns true if the record is applied. On false, `done` is called
   * once, later.
   */
  readonly unsafeCommit: (durability: number, done: Done) => boolean
  /** Whether a segment is available and no record of the current one waits to be applied. */
  readonly unsafeCanRotate: () => boolean
  readonly unsafeNeedsSegment: () => boolean
  /** Continues in the next segment. Returns its number. */
  readonly unsafeRotate: () => number
  /**
   * The places of the marked values in the segment that was rotated last. Optional: without it, each
   * flush copies large values.
   *
   * @since 3.1.0
   */
  readonly unsafeLoggedValues?: () => LoggedValues | undefined
  readonly unsafeFailure: () => Error | undefined
  /** Bytes of records that wait to be written or synced. */
  readonly unsafeQueuedBytes: () => number
  /** Bytes of records that no sync has covered. */
  readonly unsafeUnsyncedBytes: () => number
  /** Whether a commit waits for the event loop. */
  readonly unsafeIsBusy: () => boolean
  readonly unsafeStatus: () => {
    readonly segment: number
    readonly segmentBytes: number
    /**
     * Bytes at the beginning of the segment's file that are on disk, with all their records
     * applied. 0 if it was never synced. Optional: without it, a checkpoint flushes first.
     *
     * @since 3.1.0
     */
    readonly syncedBytes?: number | undefined
    /**
     * The first segment that may not be on disk as a whole: a rotated one, or the current one.
     * Optional: without it, there is no feed of changes.
     *
     * @since 3.1.0
     */
    readonly oldestUnsynced?: number | undefined
  }
  /** Makes everything committed so far durable. */
  readonly sync: Effect.Effect<void, FileError>
  /**
   * Waits until a rotated segment is durable. Optional: the store calls `sync` instead.
   *
   * @since 3.1.0
   */
  readonly synced?: (segment: number) => Effect.Effect<void, FileError>
  readonly remove: (segments: ReadonlyArray<number>) => Effect.Effect<void, FileError>
  /**
   * Keeps segments for the feed of changes, as far as `changeRetention` says, and removes those that
   * are kept no longer. Called before segments leave the log. Optional: without it, none are kept.
   *
   * @since 3.1.0
   */
  readonly retain?: (segments: ReadonlyArray<number>) => Effect.Effect<void>
  /**
   * Returns a function that returns the segments that have left the log and are kept then.
   *
   * @since 3.1.0
   */
  readonly retained?: Effect.Effect<() => ReadonlyArray<RetainedSegment>, FileError>
  /**
   * Syncs the log, marks its end, and closes its files. Returns the last segment and its size, for
   * the manifest.
   */
  readonly close: Effect.Effect<ClosedSegment, FileError>
}

/**
 * @since 3.0.0
 * @category tags
 */
export class Wal extends Context.Tag("effect-lsm/Wal")<Wal, WalService>() {}

/**
 * @since 3.0.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<WalService, InvalidArgument, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const { changeRetention, directory } = yield* resolveOptions(options)
    const storage = yield* Storage
    const { driver } = storage
    const prepared = new Map<number, Segment>()
    const offered: Array<Segment> = []
    let writer: LogWriter | undefined
    const pathOf = (segment: number) => `${directory}/${logName(segment)}`
    const retention = makeRetention(storage, directory, pathOf, changeRetention)

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const { file } of [...prepared.values(), ...offered]) closeQuietly(file)
        writer?.abandon()
      })
    )

    const active = (): LogWriter => {
      if (writer === undefined) throw new Error("the log has not begun")
      return writer
    }

    const prepare: WalService["prepare"] = (storeId, segment) =>
      Effect.gen(function* () {
        const header = encodeFileHeader({ kind: "log", fileNumber: segment, storeId }, logVersion)
        // If this fails because the name is taken, the file is not ours and stays.
        const file = yield* attempt(() => driver.create(pathOf(segment)))
        yield* attempt(() => file.append(header, 0, fileHeaderSize)).pipe(
          Effect.zipRight(syncFile(file)),
          Effect.zipRight(storage.syncDirectory(directory)),
          Effect.onError(() =>
            Effect.zipRight(
              Effect.sync(() => closeQuietly(file)),
              Effect.ignore(storage.remove(pathOf(segment)))
            )
          )
        )
        prepared.set(segment, { fileNumber: segment, file })
      }).pipe(
        // An interruption between the steps would leave the file open.
        Effect.uninterruptible
      )

    const begin: WalService["begin"] = (storeId, end, hooks) =>
      Effect.suspend(() => {
        const segment = offered.shift()
        if (segment === undefined) return Effect.dieMessage("no segment was offered")
        const fresh: LogWriter = new LogWriter(segment, saltOf(storeId), {
          apply: (bytes, start, to) => hooks.apply(bytes, start, to, fresh.segmentNumber),
          settled: hooks.settled,
          synced: hooks.synced,
          durable: hooks.durable,
          failed: (failure) => hooks.failed(fromFailure(failure)),
          mayHold: hooks.mayHold
        })
        writer = fresh
        fresh.begin(segment, { fileNumber: end.fileNumber, size: end.size, synced: true })
        return fresh.failure === undefined ? Effect.void : Effect.fail(fromFailure(fresh.failure))
      })

    const service: WalService = {
      replay: replaySegments(storage, pathOf),
      prepare,
      unsafeOffer: (segment) => {
        offered.push(prepared.get(segment)!)
        prepared.delete(segment)
      },
      begin,
      unsafeReserve: (size) => active().reserve(size),
      unsafeBuffer: () => active().buffer,
      unsafeMarkValue: (start, end, sequence) => active().mark(start, end, sequence),
      unsafeCommitNow: (durability, alone) => active().commitNow(durability, alone),
      unsafeCommit: (durability, done) => active().commit(durability, done),
      unsafeCanRotate: () => offered.length > 0 && active().canRotate,
      unsafeNeedsSegment: () => offered.length === 0,
      unsafeRotate: () => {
        active().rotate(offered.shift()!)
        return active().segmentNumber
      },
      unsafeLoggedValues: () => writer?.rotatedValues,
      unsafeFailure: () => writer?.failure,
      unsafeQueuedBytes: () => writer?.queuedBytes ?? 0,
      unsafeUnsyncedBytes: () => active().unsyncedBytes,
      unsafeIsBusy: () => writer?.isBusy ?? false,
      unsafeStatus: () => ({
        segment: writer?.segmentNumber ?? 0,
        segmentBytes: writer?.segmentSize ?? 0,
        syncedBytes: writer?.syncedBytes ?? 0,
        oldestUnsynced: writer?.oldestUnsynced
      }),
      sync: callback((done) => active().sync(done)),
      synced: (segment) => callback((done) => active().whenSynced(segment, done)),
      remove: (segments) => Effect.forEach(segments, retention.remove, { discard: true }),
      retain: retention.retain,
      retained: retention.retained,
      close: Effect.suspend(() => callback((done) => active().close(done))).pipe(
        Effect.map(() => ({ fileNumber: active().segmentNumber, size: active().segmentSize }))
      )
    }
    return service
  })

/**
 * @since 3.0.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Wal, InvalidArgument, Storage> =>
  Layer.scoped(Wal, make(options))
