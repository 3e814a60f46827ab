import { readU48, writeU48 } from "../bytes/encoding.js"
import { CorruptionFailure } from "../storage/failure.js"
import { decodeFileHeader, expectHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import { batchHeaderSize, batchSequence } from "./batchFormat.js"
import { type Frame, FrameType, frameHeaderSize, provesSynced, readFrame } from "./frame.js"

/**
 * A log segment is a file header, a start frame, and one record frame per batch. A log that was
 * closed in order ends with a close frame. The payload of the start frame says where the previous
 * segment ends:
 *
 * ```
 *  0              6               12         13
 * +--------------+----------------+----------+
 * | previous     | size of it 6   | synced 1 |
 * | segment 6    |                |          |
 * +--------------+----------------+----------+
 * ```
 *
 * Bytes of the previous segment after that size are zeros, or a torn end that an earlier recovery
 * dropped. `synced` says that the previous segment was on disk when this frame was written.
 *
 * A segment whose records are synced one by one is extended with zeros ahead of them. Zeros up to
 * the end of a file are unused space. No frame begins with 16 zeros, because every frame has a
 * type.
 */
export interface PreviousSegment {
  /** 0 if there is none. */
  readonly fileNumber: number
  readonly size: number
  readonly synced: boolean
}

export const startPayloadSize = 13

export const encodeStart = (previous: PreviousSegment, bytes: Uint8Array, at: number): void => {
  writeU48(bytes, at, previous.fileNumber)
  writeU48(bytes, at + 6, previous.size)
  bytes[at + 12] = previous.synced ? 1 : 0
}

/** Decodes the first frame of a segment; undefined if it is not a start frame. */
export const decodeStart = (bytes: Uint8Array, frame: Frame): PreviousSegment | undefined =>
  frame.type !== FrameType.start || frame.payloadEnd - frame.payloadStart !== startPayloadSize
    ? undefined
    : {
        fileNumber: readU48(bytes, frame.payloadStart),
        size: readU48(bytes, frame.payloadStart + 6),
        synced: bytes[frame.payloadStart + 12] === 1
      }

/** The offset, not before `from`, from which `bytes` holds only zeros. */
export const unusedFrom = (bytes: Uint8Array, from: number): number => {
  let end = bytes.length
  while (end > from && bytes[end - 1] === 0) end--
  return end
}

/** Reads one segment, held in memory, frame by frame. */
export class SegmentReader {
  /** The end of the part that is known to be valid. */
  position = fileHeaderSize
  /** Where the previous segment ends; undefined while this one is empty. */
  readonly previous: PreviousSegment | undefined
  private readonly salt: number
  private closedAt: number | undefined

  /** @throws CorruptionFailure, FormatFailure if the header is not that of this segment. */
  constructor(
    readonly file: string,
    readonly fileNumber: number,
    readonly bytes: Uint8Array,
    storeId: Uint8Array
  ) {
    expectHeader(decodeFileHeader(bytes, "log", file), fileNumber, storeId, file)
    this.salt = saltOf(storeId)
    const frame = readFrame(bytes, fileHeaderSize, this.salt, fileNumber)
    if (frame === undefined) return
    const previous = decodeStart(bytes, frame)
    if (previous === undefined) {
      throw new CorruptionFailure(file, fileHeaderSize, "log frame", "a segment does not begin with its start frame")
    }
    this.position = frame.payloadEnd
    this.previous = previous
  }

  /** The record after the start frame; undefined if there is none. */
  get firstRecord(): Frame | undefined {
    if (this.previous === undefined) return undefined
    const offset = fileHeaderSize + frameHeaderSize + startPayloadSize
    const frame = readFrame(this.bytes, offset, this.salt, this.fileNumber)
    return frame?.type === FrameType.record ? frame : undefined
  }

  /** The next record; undefined at the end of the valid part. */
  next(): Frame | undefined {
    if (this.closedAt !== undefined) return undefined
    const frame = readFrame(this.bytes, this.position, this.salt, this.fileNumber)
    if (frame === undefined) return undefined
    if (frame.type === FrameType.start) {
      throw new CorruptionFailure(this.file, frame.offset, "log frame", "a start frame in the middle of a segment")
    }
    this.position = frame.payloadEnd
    if (frame.type === FrameType.close) {
      this.closedAt = frame.offset
      if (this.rest > 0) {
        throw new CorruptionFailure(this.file, frame.payloadEnd, "log frame", "bytes after the close frame")
      }
      return undefined
    }
    return frame
  }

  /** Bytes between the end of the valid part and the unused space. */
  get rest(): number {
    return Math.max(0, unusedFrom(this.bytes, this.position) - this.position)
  }

  /** Whether this segment proves, or may prove, that all older segments were synced. */
  get provesEarlierSynced(): boolean {
    return this.previous?.synced === true || provesSynced(this.bytes, 0, this.salt, this.fileNumber) !== "unproven"
  }

  /**
   * Checks that the bytes after the valid part are a torn end.
   *
   * @throws CorruptionFailure if they were on disk and are damaged, or if that cannot be ruled out.
   */
  expectTorn(): void {
    if (this.rest === 0) return
    const verdict = provesSynced(this.bytes, this.position, this.salt, this.fileNumber)
    if (verdict === "unproven") return
    const reason =
      verdict === "proven" ? "a damaged frame before synced ones" : "a damaged frame, and too much after it to search"
    throw new CorruptionFailure(this.file, this.position, "log frame", reason)
  }
}

/** A torn end of the log, which recovery drops. */
export interface TornTail {
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

/** How a chain of segments ended. */
export interface LogEnd {
  /** The last segment with a record, or 0 if there is none, and the size of its valid part. */
  readonly fileNumber: number
  readonly size: number
  readonly torn: ReadonlyArray<TornTail>
}

/** The last segment of a log that was closed in order, and its size at that time. */
export interface ClosedSegment {
  readonly fileNumber: number
  readonly size: number
}

/** The state of the log, as recorded in a manifest. */
export interface LogState {
  /** Numbers of the segments, in log order. */
  readonly segments: ReadonlyArray<number>
  readonly closed?: ClosedSegment | undefined
  /** Records up to this sequence number are in tables. */
  readonly flushedSequence?: number | undefined
}

export type Replayed =
  | { readonly _tag: "Record"; readonly segment: SegmentReader; readonly frame: Frame }
  | { readonly _tag: "End"; readonly end: LogEnd }

/** Opens a segment. Returns undefined to end the log before it. */
export type OpenSegment = (fileNumber: number) => SegmentReader | undefined

/**
 * Reads the records of a chain of segments in log order, and determines where the log ends.
 *
 * If the next segment names the size of a segment, the segment must be valid up to that size. If it
 * is not, the rest is torn, provided that nothing proves it was synced. All later segments are then
 * dropped too, because the log must stay a prefix. The last segment of a log that was closed in
 * order must not be shorter than it was then.
 *
 * @throws CorruptionFailure, FormatFailure, StorageFailure
 */
export function* replayLog(log: LogState, open: OpenSegment): Generator<Replayed, void> {
  const { segments, closed } = log
  const torn: Array<TornTail> = []
  let last = { fileNumber: 0, size: 0 }
  let lastWithRecords = last
  let next = segments.length > 0 ? open(segments[0]!) : undefined
  if (next !== undefined && isDetached(next, log, open)) {
    yield { _tag: "End", end: { ...last, torn: wholeSegments(segments, open) } }
    return
  }
  for (let i = 0; next !== undefined; i++) {
    const segment: SegmentReader = next
    next = i + 1 < segments.length ? open(segments[i + 1]!) : undefined
    if (segment.previous !== undefined) {
      if (last.fileNumber > 0 && segment.previous.fileNumber !== last.fileNumber) {
        const reason = `it follows segment ${segment.previous.fileNumber}, not ${last.fileNumber}`
        throw new CorruptionFailure(segment.file, fileHeaderSize, "log frame", reason)
      }
      const size = next?.previous?.size
      let hasRecords = false
      while (size === undefined || segment.position < size) {
        const frame = segment.next()
        if (frame === undefined) break
        hasRecords = true
        yield { _tag: "Record", segment, frame }
      }
      last = { fileNumber: segment.fileNumber, size: segment.position }
      if (hasRecords) lastWithRecords = last
      if (segment.position === size && !isCutShort(segment, closed)) continue
    }
    // Without its start frame, a closed segment would look empty.
    if (isCutShort(segment, closed)) {
      throw new CorruptionFailure(segment.file, segment.position, "log frame", "shorter than when it was closed")
    }
    const isGivenUp = next === undefined && i + 1 < segments.length
    if (isGivenUp) break
    // The log ends here. Nothing after this place may have been synced.
    segment.expectTorn()
    if (segment.rest > 0) torn.push({ file: segment.file, offset: segment.position, bytes: segment.rest })
    for (let j = i + 1; j < segments.length; j++) {
      const later = j === i + 1 && next !== undefined ? next : open(segments[j]!)
      if (later === undefined) break
      if (later.provesEarlierSynced || later.fileNumber === closed?.fileNumber) {
        // If this segment is intact, the next one's start frame is damaged.
        if (segment.rest === 0 && next !== undefined && next.previous === undefined) {
          throw new CorruptionFailure(next.file, fileHeaderSize, "log frame", "a damaged start frame")
        }
        throw new CorruptionFailure(segment.file, segment.position, "log frame", "a synced segment is cut short")
      }
      torn.push(...wholeSegment(later))
    }
    break
  }
  yield { _tag: "End", end: { ...lastWithRecords, torn } }
}

const isCutShort = ({ fileNumber, position }: SegmentReader, closed: ClosedSegment | undefined): boolean =>
  fileNumber === closed?.fileNumber && position < closed.size

/**
 * Whether the log begins with records beyond the one that is due, and nothing proves that any of
 * them was synced. This happens if a recovery dropped them along with the torn end of an earlier
 * segment, removed that segment, and was interrupted by a crash.
 */
const isDetached = (
  first: SegmentReader,
  { segments, closed, flushedSequence }: LogState,
  open: OpenSegment
): boolean => {
  const { firstRecord } = first
  if (flushedSequence === undefined || firstRecord === undefined) return false
  if (closed !== undefined && segments.includes(closed.fileNumber)) return false
  if (firstRecord.payloadEnd - firstRecord.payloadStart < batchHeaderSize) return false
  if (batchSequence(first.bytes, firstRecord.payloadStart) <= flushedSequence + 1) return false
  return segments.every((fileNumber) => open(fileNumber)?.provesEarlierSynced === false)
}

/** Everything after the header of a segment, as a torn end. */
const wholeSegment = ({ file, bytes }: SegmentReader): ReadonlyArray<TornTail> => {
  const length = unusedFrom(bytes, fileHeaderSize) - fileHeaderSize
  return length > 0 ? [{ file, offset: fileHeaderSize, bytes: length }] : []
}

const wholeSegments = (segments: ReadonlyArray<number>, open: OpenSegment): ReadonlyArray<TornTail> =>
  segments.flatMap((fileNumber) => {
    const segment = open(fileNumber)
    return segment === undefined ? [] : wholeSegment(segment)
  })
