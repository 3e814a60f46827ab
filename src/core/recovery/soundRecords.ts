import { checkBatch } from "../log/batchFormat.js"
import { type Frame, FrameType, findFrame, frameHeaderSize, readFrame } from "../log/frame.js"
import {
  type ClosedSegment,
  decodeStart,
  type PreviousSegment,
  startPayloadSize,
  unusedFrom
} from "../log/logSegment.js"
import { readWhole } from "../manifest/storeDirectory.js"
import { type Damage, damageOf, isDamage, type Report } from "../storage/damage.js"
import { CorruptionFailure } from "../storage/failure.js"
import { decodeFileHeader, expectHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import { logName } from "../storage/fileNames.js"
import { closeQuietly, readExactly, type StorageDriver } from "../storage/storageDriver.js"

/**
 * The offset in each segment of a log up to which its records count. Records beyond it were dropped
 * by an earlier recovery, and their sequence numbers may have been assigned again.
 */
export type LogExtents = ReadonlyMap<number, number>

/**
 * Reads the start frame of each segment, which records the previous segment and its size. A segment
 * that the log skips has no extent. A segment whose successor cannot be read counts to its end.
 * `closed` is the manifest's record of the last segment, if the log was closed cleanly.
 */
export const logExtents = (
  driver: StorageDriver,
  directory: string,
  segments: ReadonlyArray<number>,
  storeId: Uint8Array,
  closed: ClosedSegment | undefined
): LogExtents => {
  const extents = new Map<number, number>(segments.map((segment) => [segment, Number.POSITIVE_INFINITY]))
  for (const segment of segments) {
    const previous = previousOf(driver, `${directory}/${logName(segment)}`, segment, storeId)
    if (previous === undefined) continue
    for (const other of segments) if (other > previous.fileNumber && other < segment) extents.delete(other)
    if (extents.has(previous.fileNumber)) extents.set(previous.fileNumber, previous.size)
  }
  if (closed !== undefined && extents.has(closed.fileNumber)) extents.set(closed.fileNumber, closed.size)
  return extents
}

const previousOf = (
  driver: StorageDriver,
  path: string,
  segment: number,
  storeId: Uint8Array
): PreviousSegment | undefined => {
  try {
    const file = driver.openRead(path)
    try {
      const bytes = readExactly(file, 0, fileHeaderSize + frameHeaderSize + startPayloadSize)
      const frame = readFrame(bytes, fileHeaderSize, saltOf(storeId), segment)
      return frame === undefined ? undefined : decodeStart(bytes, frame)
    } finally {
      closeQuietly(file)
    }
  } catch (failure) {
    if (!isDamage(failure)) throw failure
    return undefined
  }
}

/** A record of a segment. Its batch is `bytes[frame.payloadStart, frame.payloadEnd)`. */
export interface SoundRecord {
  readonly bytes: Uint8Array
  readonly frame: Frame
}

/**
 * Returns every sound record of a segment up to `extent`. Reports each damaged frame, and skips to
 * the next frame with a valid checksum.
 */
export function* soundRecords(
  driver: StorageDriver,
  path: string,
  segment: number,
  storeId: Uint8Array,
  extent: number,
  report: Report
): Generator<SoundRecord, void> {
  let bytes: Uint8Array
  try {
    bytes = readWhole(driver, path)
  } catch (failure) {
    if (!isDamage(failure)) throw failure
    return report(damageOf(failure, 0, "file"))
  }
  if (bytes.length < fileHeaderSize) {
    // A manifest names a segment only after the header is on disk. So this one was cut short, and
    // its records are lost.
    const reason = `${bytes.length} bytes, shorter than a file header`
    return report({ file: path, offset: 0, bytes: undefined, region: "file", reason, keys: undefined })
  }
  try {
    expectHeader(decodeFileHeader(bytes, "log", path), segment, storeId, path)
  } catch (failure) {
    if (!isDamage(failure)) throw failure
    report(damageOf(failure, 0, "file header"))
    if (unusedFrom(bytes, fileHeaderSize) === fileHeaderSize) {
      // Zeros, or another file, may stand where records were.
      report(damagedFrame(path, fileHeaderSize, bytes.length - fileHeaderSize, "nothing follows a damaged header"))
    }
  }
  const salt = saltOf(storeId)
  const end = extent === Number.POSITIVE_INFINITY ? unusedFrom(bytes, fileHeaderSize) : Math.min(extent, bytes.length)
  for (let at = fileHeaderSize; at < end; ) {
    const frame = readFrame(bytes, at, salt, segment)
    if (frame === undefined) {
      const next = findFrame(bytes, at + 1, salt, segment)?.offset ?? bytes.length
      report(
        damagedFrame(path, at, Math.min(next, end) - at, next < end ? "a damaged frame" : "no sound frame follows")
      )
      at = next
      continue
    }
    at = frame.payloadEnd
    if (frame.type !== FrameType.record) continue
    try {
      checkBatch(bytes, frame.payloadStart, frame.payloadEnd)
    } catch (failure) {
      if (!(failure instanceof CorruptionFailure)) throw failure
      report({ ...damagedFrame(path, frame.offset, at - frame.offset, failure.reason), region: "log record" })
      continue
    }
    yield { bytes, frame }
  }
  if (bytes.length < extent && extent !== Number.POSITIVE_INFINITY) {
    report(damagedFrame(path, bytes.length, extent - bytes.length, "the file ends before the log did"))
  }
}

const damagedFrame = (file: string, offset: number, bytes: number, reason: string): Damage => ({
  file,
  offset,
  bytes,
  region: "log frame",
  reason,
  keys: undefined
})
