import { FrameType, readFrameIn } from "../log/frame.js"
import { CorruptionFailure } from "../storage/failure.js"
import { decodeFileHeader, expectHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import { readInto, type StorageFile } from "../storage/storageDriver.js"

/** A record of a segment. Its payload is `bytes[start, end)`, valid until the next call. */
export interface ScannedRecord {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** Bytes that are read at once. */
const windowBytes = 64 * 1024

/**
 * Reads the records of a segment in order, piece by piece, also while it grows.
 */
export class SegmentScan {
  /** Where the next frame begins. */
  private position = fileHeaderSize
  private window = new Uint8Array(0)
  /** Where the window begins in the file. */
  private base = 0
  private readonly salt: number

  /** @throws CorruptionFailure, FormatFailure, StorageFailure if it is not this segment of the store. */
  constructor(
    readonly file: StorageFile,
    readonly fileNumber: number,
    storeId: Uint8Array
  ) {
    const header = new Uint8Array(fileHeaderSize)
    const length = readInto(file, 0, fileHeaderSize, header)
    expectHeader(decodeFileHeader(header.subarray(0, length), "log", file.path), fileNumber, storeId, file.path)
    this.salt = saltOf(storeId)
  }

  /**
   * Returns the next record that lies within the first `limit` bytes of the file, or undefined if there is
   * none.
   */
  next(limit: number): ScannedRecord | undefined {
    for (;;) {
      const frame = this.frame(limit)
      if (frame === undefined) return undefined
      this.position = this.base + frame.payloadEnd
      if (frame.type === FrameType.record) {
        return { bytes: this.window, start: frame.payloadStart, end: frame.payloadEnd }
      }
    }
  }

  private frame(limit: number) {
    let wanted = windowBytes
    for (;;) {
      const found = readFrameIn(this.window, this.position - this.base, this.base, this.salt, this.fileNumber)
      if (found === undefined) return undefined
      if (typeof found !== "number") return this.base + found.payloadEnd <= limit ? found : undefined
      wanted = Math.max(wanted, found)
      if (!this.fill(wanted, limit)) return undefined
    }
  }

  /** Reads from the position on. Returns false if there is nothing new. */
  private fill(wanted: number, limit: number): boolean {
    const { position } = this
    const held = Math.max(0, this.base + this.window.length - position)
    const length = Math.min(wanted, limit - position, this.file.size() - position)
    if (length <= held) return false
    const window = new Uint8Array(length)
    const read = readInto(this.file, position, length, window)
    this.window = window.subarray(0, read)
    this.base = position
    return read > held
  }

  /** Whether bytes follow the last record that are no unused space: a torn end, or damage. */
  hasRest(): boolean {
    const length = Math.min(windowBytes, Math.max(0, this.file.size() - this.position))
    const rest = new Uint8Array(length)
    const read = readInto(this.file, this.position, length, rest)
    return rest.subarray(0, read).some((byte) => byte !== 0)
  }

  damaged(): CorruptionFailure {
    return new CorruptionFailure(this.file.path, this.position, "log frame", "a record of the history is damaged")
  }
}
