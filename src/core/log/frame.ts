import { checksum, placeSeed, viewChecksum } from "../bytes/checksum.js"
import { readU16, readU32, readU48 } from "../bytes/encoding.js"
import { joinChecksums } from "../bytes/joinedChecksum.js"
import { RangeChecksum } from "../bytes/rangeChecksum.js"

/**
 * The framing of log segments and manifests. Each frame holds one record of any length.
 *
 * ```
 *  0       4          8               14       16
 * +-------+----------+---------------+--------+------------+
 * | crc 4 | length 4 | synced size 6 | type 2 | payload ...|
 * +-------+----------+---------------+--------+------------+
 * ```
 *
 * The checksum covers everything after it and is seeded with the store, the file's number and the
 * frame's offset, so a frame is valid only in its own place. `synced size` is the number of bytes
 * of this file that were known to be on disk when the frame was written. A valid frame thus proves
 * that everything before its `synced size` was durable, so damage there is not a torn end. The idea
 * comes from Pebble's WAL-sync chunk format.
 */
export const frameHeaderSize = 16

export const FrameType = {
  /** A record: a batch in a log, an edit in a manifest. */
  record: 1,
  /** The first frame of a log segment. It says where the previous segment ends. */
  start: 2,
  /** The last frame of a log that was closed in order. */
  close: 3
} as const

/** A value in a payload, at `[start, end)` of the buffer. */
export interface FrameValue {
  readonly start: number
  readonly end: number
  /** Its checksum, seeded with its place, which `sealFrame` sets. */
  crc: number
}

const noValues: ReadonlyArray<FrameValue> = []

/**
 * Writes the header of a frame whose payload of `length` bytes is already after the place of the
 * header, at `at + frameHeaderSize`. Sets the checksums of `values`, which lie in the payload in this
 * order. Each byte is read once: the checksum of the frame follows from those of the values.
 */
export const sealFrame = (
  bytes: DataView,
  at: number,
  length: number,
  type: number,
  synced: number,
  salt: number,
  fileNumber: number,
  offset: number,
  values: ReadonlyArray<FrameValue> = noValues
): void => {
  bytes.setUint32(at + 4, length, true)
  bytes.setUint32(at + 8, synced, true)
  bytes.setUint16(at + 12, synced / 2 ** 32, true)
  bytes.setUint16(at + 14, type, true)
  let crc = placeSeed(salt, fileNumber, offset)
  let from = at + 4
  for (const value of values) {
    const { start, end } = value
    const seed = placeSeed(salt, fileNumber, offset + start - at)
    value.crc = viewChecksum(bytes, start, end, seed)
    crc = joinChecksums(viewChecksum(bytes, from, start, crc), seed, value.crc, end - start)
    from = end
  }
  bytes.setUint32(at, viewChecksum(bytes, from, at + frameHeaderSize + length, crc), true)
}

export interface Frame {
  readonly offset: number
  readonly type: number
  readonly synced: number
  readonly payloadStart: number
  readonly payloadEnd: number
}

/** Reads the frame at `offset` of the whole file `file`; undefined if there is no valid frame. */
export const readFrame = (file: Uint8Array, offset: number, salt: number, fileNumber: number): Frame | undefined => {
  const frame = plausibleFrame(file, offset)
  return frame !== undefined && verifyFrame(file, frame, salt, fileNumber) ? frame : undefined
}

/**
 * The same for a part of a file, `bytes`, which begins at `base`. The frame may run past the end of the
 * part: then its length in bytes is returned.
 */
export const readFrameIn = (
  bytes: Uint8Array,
  at: number,
  base: number,
  salt: number,
  fileNumber: number
): Frame | number | undefined => {
  if (at + frameHeaderSize > bytes.length) return frameHeaderSize
  const offset = base + at
  const type = readU16(bytes, at + 14)
  const synced = readU48(bytes, at + 8)
  if (type < FrameType.record || type > FrameType.close || synced > offset) return undefined
  const length = frameHeaderSize + readU32(bytes, at + 4)
  if (at + length > bytes.length) return length
  const expected = checksum(bytes, at + 4, at + length, placeSeed(salt, fileNumber, offset))
  if (readU32(bytes, at) !== expected) return undefined
  return { offset, type, synced, payloadStart: at + frameHeaderSize, payloadEnd: at + length }
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
 * Verifies candidates for frames at every position of a file. Data of small numbers looks like a
 * frame at one position in ten, with any length. Once many bytes have been read to verify
 * candidates, their checksums are derived from checksums of the file's prefixes instead.
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

  /**
   * Whether the search takes too long. A file that was made to be slow is rejected, not searched.
   */
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

/** Bytes read before checksums are derived from those of prefixes. */
const mostRead = 64 * 1024 * 1024
/** The most candidates to verify, which takes about a minute. */
const mostTried = 20_000_000

/**
 * The first valid frame at or after `offset`, at any position. Undefined also if the search takes
 * too long.
 */
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
 * Whether a later valid frame proves that the bytes at `offset` were synced, because its `synced
 * size` is beyond `offset`. There is no valid frame at `offset`. Tries every position, because the
 * length of a damaged frame cannot be trusted.
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
