import { checksum, placeSeed, viewChecksum } from "../bytes/checksum.js"
import { readU16, readU32, readU48 } from "../bytes/encoding.js"
import { RangeChecksum } from "../bytes/rangeChecksum.js"

/**
 * The framing of log segments and manifests: one frame, one record, of any length.
 *
 * ```
 *  0       4          8               14       16
 * +-------+----------+---------------+--------+------------+
 * | crc 4 | length 4 | synced size 6 | type 2 | payload ...|
 * +-------+----------+---------------+--------+------------+
 * ```
 *
 * The checksum covers everything behind it and is seeded with the store, the file's number and the
 * frame's offset, so a frame is valid in its own place only. `synced size` says how many bytes of this file
 * were known to be on disk when the frame was written: a valid frame proves everything before its
 * `synced size` to have been durable, so that damage there is told from a torn end. The idea is that of
 * Pebble's WAL-sync chunk format.
 */
export const frameHeaderSize = 16

export const FrameType = {
  /** A record: a batch in a log, an edit in a manifest. */
  record: 1,
  /** The first frame of a log segment: where the segment before it ends. */
  start: 2,
  /** The last frame of a log closed in order. */
  close: 3
} as const

/** Fills in the header of a frame whose payload of `length` bytes already stands at `at + frameHeaderSize`. */
export const sealFrame = (
  bytes: DataView,
  at: number,
  length: number,
  type: number,
  synced: number,
  salt: number,
  fileNumber: number,
  offset: number
): void => {
  bytes.setUint32(at + 4, length, true)
  bytes.setUint32(at + 8, synced, true)
  bytes.setUint16(at + 12, synced / 2 ** 32, true)
  bytes.setUint16(at + 14, type, true)
  const seed = placeSeed(salt, fileNumber, offset)
  bytes.setUint32(at, viewChecksum(bytes, at + 4, at + frameHeaderSize + length, seed), true)
}

export interface Frame {
  readonly offset: number
  readonly type: number
  readonly synced: number
  readonly payloadStart: number
  readonly payloadEnd: number
}

/** The frame at `offset` of a whole file held in `file`; undefined where no valid frame stands there. */
export const readFrame = (file: Uint8Array, offset: number, salt: number, fileNumber: number): Frame | undefined => {
  const frame = plausibleFrame(file, offset)
  return frame !== undefined && verifyFrame(file, frame, salt, fileNumber) ? frame : undefined
}

const plausibleFrame = (file: Uint8Array, offset: number): Frame | undefined => {
  if (offset + frameHeaderSize > file.length) return undefined
  const type = readU16(file, offset + 14)
  if (type < FrameType.record || type > FrameType.close) return undefined
  const synced = readU48(file, offset + 8)
  if (synced > offset) return undefined
  const payloadStart = offset + frameHeaderSize
  const payloadEnd = payloadStart + readU32(file, offset + 4)
  return payloadEnd > file.length ? undefined : { offset, type, synced, payloadStart, payloadEnd }
}

const verifyFrame = (file: Uint8Array, frame: Frame, salt: number, fileNumber: number): boolean =>
  readU32(file, frame.offset) ===
  checksum(file, frame.offset + 4, frame.payloadEnd, placeSeed(salt, fileNumber, frame.offset))

/**
 * Looks at every position of a file for what may be a frame. Data of small numbers looks like frames at one place in ten, each of
 * whatever length: when much has been read for them, their checksums follow from those of the file's beginnings.
 */
class FrameSearch {
  private spent = 0
  private tried = 0
  private ranges: RangeChecksum | undefined

  constructor(
    private readonly file: Uint8Array,
    private readonly salt: number,
    private readonly fileNumber: number
  ) {}

  /** Whether it takes too long: a file that was made to be slow is refused, not searched. */
  get isTooLong(): boolean {
    return this.tried > mostTried
  }

  isValid(frame: Frame): boolean {
    const { file, salt, fileNumber } = this
    this.tried++
    this.spent += frame.payloadEnd - frame.offset
    if (this.spent < mostRead) return verifyFrame(file, frame, salt, fileNumber)
    this.ranges ??= new RangeChecksum(file)
    const seed = placeSeed(salt, fileNumber, frame.offset)
    return readU32(file, frame.offset) === this.ranges.of(frame.offset + 4, frame.payloadEnd, seed)
  }
}

const mostRead = 64 * 1024 * 1024
/** About a minute. */
const mostTried = 20_000_000

/** The first valid frame at or behind `offset`: every position is tried. Undefined also when the search takes too long. */
export const findFrame = (file: Uint8Array, offset: number, salt: number, fileNumber: number): Frame | undefined => {
  const search = new FrameSearch(file, salt, fileNumber)
  for (let at = offset; at + frameHeaderSize <= file.length; at++) {
    if (file[at + 15] !== 0 || file[at + 14] === 0) continue
    const frame = plausibleFrame(file, at)
    if (frame === undefined) continue
    if (search.isValid(frame)) return frame
    if (search.isTooLong) return undefined
  }
  return undefined
}

/**
 * Whether anything behind `offset`, where no valid frame stands, proves that the bytes at `offset` had been
 * synced: a later valid frame whose `synced size` lies beyond. Every position is tried, for the length of the
 * damaged frame cannot be believed.
 */
export const provesSynced = (
  file: Uint8Array,
  offset: number,
  salt: number,
  fileNumber: number
): "proven" | "unproven" | "gave up" => {
  const search = new FrameSearch(file, salt, fileNumber)
  for (let at = offset + 1; at + frameHeaderSize <= file.length; at++) {
    if (file[at + 15] !== 0 || file[at + 14] === 0) continue
    const frame = plausibleFrame(file, at)
    if (frame === undefined || frame.synced <= offset) continue
    if (search.isValid(frame)) return "proven"
    if (search.isTooLong) return "gave up"
  }
  return "unproven"
}
