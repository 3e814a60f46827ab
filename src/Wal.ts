/**
 * The write-ahead log: segments, framing, group commit, replay.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { ClosedSegment, LogEnd, LogState } from "./core/log/logSegment.js"
import { type Done, LogWriter, type Segment } from "./core/log/logWriter.js"
import { encodeFileHeader, fileHeaderSize, saltOf } from "./core/storage/fileHeader.js"
import { logName } from "./core/storage/fileNames.js"
import { closeQuietly } from "./core/storage/storageDriver.js"
import { type Replay, type ReplayOptions, replaySegments } from "./internal/wal/replay.js"
import { type FileError, fromFailure, type InvalidArgument } from "./LsmError.js"
import { type LsmOptions, settings } from "./LsmOptions.js"
import { attempt, callback, Storage, syncFile } from "./Storage.js"

export type {
  /**
   * The last segment of a log that was closed in order, and its size then.
   *
   * @since 0.1.0
   * @category models
   */
  ClosedSegment,
  /**
   * The last segment that holds a record, and how far it is valid.
   *
   * @since 0.1.0
   * @category models
   */
  LogEnd,
  /**
   * What the manifest says of the log.
   *
   * @since 0.1.0
   * @category models
   */
  LogState,
  /**
   * What recovery dropped from the end of the log.
   *
   * @since 0.1.0
   * @category models
   */
  TornTail
} from "./core/log/logSegment.js"
export type {
  /**
   * Called when the durability of a record is met, or when the log has failed.
   *
   * @since 0.1.0
   * @category models
   */
  Done
} from "./core/log/logWriter.js"
export {
  /**
   * The durabilities as the log's hot path takes them.
   *
   * @since 0.1.0
   * @category models
   */
  CommitMode
} from "./core/log/logWriter.js"
export type {
  /**
   * What a replay found.
   *
   * @since 0.1.0
   * @category models
   */
  Replay,
  /**
   * @since 0.1.0
   * @category models
   */
  ReplayOptions
} from "./internal/wal/replay.js"

/**
 * What the log calls. All of it runs synchronously, in log order, within the turn in which a record's durability was met.
 *
 * @since 0.1.0
 * @category models
 */
export interface Hooks {
  /** A record is kept: `bytes[start, end)` is its payload, valid during the call. Also called for each record replayed. */
  readonly apply: (bytes: Uint8Array, start: number, end: number, segment: number) => void
  /** Records were applied: the moment to look whether the segment is to be rotated. */
  readonly settled: () => void
  /** A sync has ended that made so many records durable. */
  readonly synced: (records: number, bytes: number) => void
  /** The log has failed, and takes nothing more. */
  readonly failed: (failure: FileError) => void
  /** For how many milliseconds a sync may hold the calling thread now. Default 0. */
  readonly mayHold?: (() => number) | undefined
}

/**
 * @since 0.1.0
 * @category models
 */
export interface WalService {
  /** Reads the segments in order and hands each record to `apply`. Only a torn end is dropped. Writes nothing. */
  readonly replay: (
    storeId: Uint8Array,
    log: LogState,
    apply: Hooks["apply"],
    options?: ReplayOptions
  ) => Effect.Effect<Replay, FileError>
  /** Makes an empty segment, durable with its name. */
  readonly prepare: (storeId: Uint8Array, segment: number) => Effect.Effect<void, FileError>
  /** Lets a prepared segment be used, in the order offered, now that the manifest names it. */
  readonly unsafeOffer: (segment: number) => void
  /** Takes the first segment offered, which follows `end`, and is open for records from then on. */
  readonly begin: (storeId: Uint8Array, end: LogEnd, hooks: Hooks) => Effect.Effect<void, FileError>
  /** Makes room for a record of `size` bytes; answers where in `unsafeBuffer()` its payload is to be written, at once. */
  readonly unsafeReserve: (size: number) => number
  readonly unsafeBuffer: () => Uint8Array
  /**
   * Commits the reserved record where nothing need be waited for. True: it is applied. False: `unsafeCommit` is to follow. `alone`: no other
   * writer's record is to be expected to share a sync.
   */
  readonly unsafeCommitNow: (durability: number, alone: boolean) => boolean
  /** Commits the reserved record. True: it is applied, and `done` is never called. False: `done` is called later, once. */
  readonly unsafeCommit: (durability: number, done: Done) => boolean
  /** Whether a segment stands ready, and no record of the current one waits to be applied. */
  readonly unsafeCanRotate: () => boolean
  readonly unsafeNeedsSegment: () => boolean
  /** Goes on in the next segment and answers its number. */
  readonly unsafeRotate: () => number
  readonly unsafeFailure: () => Error | undefined
  /** Bytes of records that wait to be written or synced. */
  readonly unsafeQueuedBytes: () => number
  /** Bytes of records that no sync has covered. */
  readonly unsafeUnsyncedBytes: () => number
  /** Whether a commit is under way that wants the event loop to turn. */
  readonly unsafeIsBusy: () => boolean
  readonly unsafeStatus: () => {
    readonly segment: number
    readonly segmentBytes: number
  }
  /** Makes everything committed so far durable. */
  readonly sync: Effect.Effect<void, FileError>
  readonly remove: (segments: ReadonlyArray<number>) => Effect.Effect<void, FileError>
  /** Syncs, marks the end, and closes the files; answers the last segment and its size, for the manifest. */
  readonly close: Effect.Effect<ClosedSegment, FileError>
}

/**
 * @since 0.1.0
 * @category tags
 */
export class Wal extends Context.Tag("effect-lsm/Wal")<Wal, WalService>() {}

/**
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<WalService, InvalidArgument, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const { directory } = yield* settings(options)
    const storage = yield* Storage
    const { driver } = storage
    const prepared = new Map<number, Segment>()
    const offered: Array<Segment> = []
    let writer: LogWriter | undefined
    const pathOf = (segment: number) => `${directory}/${logName(segment)}`

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
        const header = encodeFileHeader({ kind: "log", fileNumber: segment, storeId })
        // If this fails, a file of that name is somebody else's, and stays.
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
        // Between its steps an interruption would leave the file open.
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
      unsafeCommitNow: (durability, alone) => active().commitNow(durability, alone),
      unsafeCommit: (durability, done) => active().commit(durability, done),
      unsafeCanRotate: () => offered.length > 0 && active().canRotate,
      unsafeNeedsSegment: () => offered.length === 0,
      unsafeRotate: () => {
        active().rotate(offered.shift()!)
        return active().segmentNumber
      },
      unsafeFailure: () => writer?.failure,
      unsafeQueuedBytes: () => writer?.queuedBytes ?? 0,
      unsafeUnsyncedBytes: () => active().unsyncedBytes,
      unsafeIsBusy: () => writer?.isBusy ?? false,
      unsafeStatus: () => ({ segment: writer?.segmentNumber ?? 0, segmentBytes: writer?.segmentSize ?? 0 }),
      sync: callback((done) => active().sync(done)),
      remove: (segments) => Effect.forEach(segments, (segment) => storage.remove(pathOf(segment)), { discard: true }),
      close: Effect.suspend(() => callback((done) => active().close(done))).pipe(
        Effect.map(() => ({ fileNumber: active().segmentNumber, size: active().segmentSize }))
      )
    }
    return service
  })

/**
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<Wal, InvalidArgument, Storage> =>
  Layer.scoped(Wal, make(options))
