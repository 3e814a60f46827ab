import { copyRange, shared } from "../bytes/bytes.js"
import type { ReusedMemory } from "../bytes/reusedMemory.js"
import { CorruptionFailure } from "../storage/failure.js"
import type { ValueFileReader } from "./valueFileReader.js"
import { handleFile, handleLength, handleOffset, valueHandleSize } from "./valueHandle.js"

/** Reads the values that handles stand for. */
export interface ValueSource {
  /**
   * Returns the value of the handle `bytes[start, end)`. Nothing else owns or changes its bytes, unless
   * they are to be read into `memory`.
   *
   * @throws CorruptionFailure, FormatFailure, StorageFailure
   */
  read(bytes: Uint8Array, start: number, end: number, memory?: ReusedMemory): Uint8Array
  readonly cached?: CachedValues | undefined
}

/**
 * Returns a copy of a value that is in memory. Its entry has the key `bytes[start, end)` and the
 * sequence number. Undefined if it is not there.
 */
export type CachedValues = (bytes: Uint8Array, start: number, end: number, sequence: number) => Uint8Array | undefined

/** How a cursor reads separated values. */
export interface ValueSourceOptions {
  /**
   * The most bytes to read at once when values lie one after the other. 0 turns read-ahead off.
   */
  readonly readAhead: number
  /**
   * Whether values may be views of the pieces that are read ahead, instead of copies. Default
   * false.
   */
  readonly giveValues?: boolean | undefined
}

const firstReadAhead = 16 * 1024
/** Of so many files it is remembered where they were read. */
const mostPieces = 64

/** The part of one file that was read last. */
interface Piece {
  /** Where the last value ended. The next value is read ahead if it begins there. */
  end: number
  content: Uint8Array
  /** Where `content` begins in the file. */
  start: number
  readAhead: number
}

const nothing = new Uint8Array(0)

/** Reads values. Of each file it remembers where it has read, and reads ahead in sequence. */
export class FileValueSource implements ValueSource {
  private readonly pieces = new Map<number, Piece>()

  /**
   * `open` is called for every value, because a file may be closed and opened again between two.
   */
  constructor(
    private readonly open: (fileNumber: number) => ValueFileReader,
    private readonly options: ValueSourceOptions,
    private readonly directory: string,
    readonly cached?: CachedValues
  ) {}

  read(bytes: Uint8Array, start: number, end: number, memory?: ReusedMemory): Uint8Array {
    if (end - start !== valueHandleSize) {
      throw new CorruptionFailure(this.directory, 0, "value", `a handle of ${end - start} bytes`)
    }
    const fileNumber = handleFile(bytes, start)
    const { readAhead } = this.options
    if (readAhead === 0) return this.open(fileNumber).read(bytes, start, memory)
    const offset = handleOffset(bytes, start)
    const length = handleLength(bytes, start)
    const piece = this.pieces.get(fileNumber)
    if (piece === undefined) {
      const value = this.open(fileNumber).read(bytes, start)
      if (this.pieces.size >= mostPieces) this.pieces.clear()
      this.pieces.set(fileNumber, { end: offset + length, content: nothing, start: 0, readAhead: firstReadAhead })
      return value
    }
    const reader = this.open(fileNumber)
    const follows = piece.end === offset
    piece.end = offset + length
    const isRead = offset >= piece.start && offset + length <= piece.start + piece.content.length
    if (!isRead) {
      // A piece that holds no other value would be read for nothing.
      if (!follows || length * 2 > piece.readAhead) {
        if (follows) piece.readAhead = Math.min(piece.readAhead * 2, readAhead)
        else piece.readAhead = firstReadAhead
        return reader.read(bytes, start)
      }
      piece.content = reader.readRange(offset, piece.readAhead)
      if (this.options.giveValues === true) shared(piece.content.buffer)
      piece.start = offset
      piece.readAhead = Math.min(piece.readAhead * 2, readAhead)
    }
    const at = offset - piece.start
    reader.check(bytes, start, piece.content, at)
    return this.options.giveValues === true
      ? piece.content.subarray(at, at + length)
      : copyRange(piece.content, at, at + length)
  }
}
