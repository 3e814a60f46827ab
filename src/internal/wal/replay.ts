import * as Effect from "effect/Effect"
import {
  type LogEnd,
  type LogState,
  replayLog,
  SegmentReader,
  type TornTail,
  unusedFrom
} from "../../core/log/logSegment.js"
import { failureOfRecord } from "../../core/log/sequenceChain.js"
import { readWhole, sizeIfThere } from "../../core/manifest/storeDirectory.js"
import { type Damage, damageOf, isDamage } from "../../core/storage/damage.js"
import { applyFailure } from "../../core/storage/failure.js"
import { fileHeaderSize } from "../../core/storage/fileHeader.js"
import { closeQuietly, type StorageDriver } from "../../core/storage/storageDriver.js"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService, syncFile } from "../../Storage.js"

/** The result of a replay. */
export interface Replay {
  readonly records: number
  readonly end: LogEnd
  readonly dropped: ReadonlyArray<TornTail>
  /** Damage and records after the place where the log was cut. Empty unless `cut` was set. */
  readonly lost: ReadonlyArray<Damage>
}

export interface ReplayOptions {
  /** Ends the log where its damage begins, instead of failing. Default false. */
  readonly cut?: boolean
  /** Syncs the segments that were kept before the replay ends. Default true. */
  readonly sync?: boolean
}

/** Takes one record of a segment. Its payload is `bytes[start, end)`. */
export type ApplyRecord = (bytes: Uint8Array, start: number, end: number, segment: number) => void

/** Bytes of log replayed before the fiber yields to the event loop. */
const replaySlice = 1024 * 1024

/** Replays the segments whose paths `pathOf` returns. */
export const replaySegments =
  (storage: StorageService, pathOf: (segment: number) => string) =>
  (
    storeId: Uint8Array,
    log: LogState,
    apply: ApplyRecord,
    { cut = false, sync = true }: ReplayOptions = {}
  ): Effect.Effect<Replay, FileError> =>
    Effect.gen(function* () {
      const { driver } = storage
      const { segments, closed } = log
      let count = 0
      let end: LogEnd = { fileNumber: 0, size: 0, torn: [] }
      let damage: Damage | undefined
      const giveUp = (failure: unknown, offset: number, region: string): undefined => {
        if (!cut || !isDamage(failure)) throw failure
        damage = damageOf(failure, offset, region)
      }
      const open = (segment: number): SegmentReader | undefined => {
        const path = pathOf(segment)
        try {
          return new SegmentReader(path, segment, readWhole(driver, path), storeId)
        } catch (failure) {
          return giveUp(failure, 0, "file")
        }
      }
      const records = replayLog(log, open)
      const slice = attempt(() => {
        let bytes = 0
        try {
          while (bytes < replaySlice) {
            const step = records.next()
            if (step.done === true) return true
            if (step.value._tag === "End") {
              end = step.value.end
              continue
            }
            const { segment, frame } = step.value
            try {
              apply(segment.bytes, frame.payloadStart, frame.payloadEnd, segment.fileNumber)
            } catch (failure) {
              throw failure instanceof RangeError
                ? applyFailure(segment.file, failure)
                : failureOfRecord(failure, segment.file, frame.offset)
            }
            end = { fileNumber: segment.fileNumber, size: frame.payloadEnd, torn: [] }
            count++
            bytes += frame.payloadEnd - frame.offset
          }
          return false
        } catch (failure) {
          giveUp(failure, fileHeaderSize, "log frame")
          return true
        }
      })
      while (!(yield* slice)) yield* storage.yieldToEventLoop
      const first = damage
      const lost =
        first === undefined ? [] : yield* attempt(() => [first, ...behindCut(storage, pathOf, segments, end)])
      // A log that was closed in order was synced before the manifest recorded it.
      const isOnDisk = closed !== undefined && end.fileNumber <= closed.fileNumber
      if (sync && !isOnDisk) {
        yield* syncSegments(storage, segments.slice(0, segments.indexOf(end.fileNumber) + 1).map(pathOf))
      }
      return { records: count, end, dropped: end.torn, lost }
    })

/** Syncs segments: bytes that came from the page cache may not be on disk yet. */
const syncSegments = (storage: StorageService, paths: ReadonlyArray<string>): Effect.Effect<void, FileError> =>
  Effect.forEach(
    paths,
    (path) =>
      Effect.acquireUseRelease(
        attempt(() => storage.driver.openRead(path)),
        syncFile,
        (file) => Effect.sync(() => closeQuietly(file))
      ),
    { discard: true }
  )

/** Bytes of a segment without unused space at its end. For an unreadable segment, its file size. */
const usedSize = (driver: StorageDriver, file: string, from: number): number => {
  try {
    return unusedFrom(readWhole(driver, file), from)
  } catch (failure) {
    if (!isDamage(failure)) throw failure
    return sizeIfThere(driver, file)
  }
}

/** The damage to report for everything after the end of a log that was cut. */
const behindCut = (
  { driver }: StorageService,
  pathOf: (segment: number) => string,
  segments: ReadonlyArray<number>,
  end: LogEnd
): ReadonlyArray<Damage> =>
  segments.slice(Math.max(0, segments.indexOf(end.fileNumber))).flatMap((segment) => {
    const file = pathOf(segment)
    const offset = segment === end.fileNumber ? end.size : fileHeaderSize
    const bytes = usedSize(driver, file, offset) - offset
    return bytes > 0 ? [{ file, offset, bytes, region: "log segment", reason: "behind the cut", keys: undefined }] : []
  })
