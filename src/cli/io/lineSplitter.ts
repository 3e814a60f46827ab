import { constants } from "node:buffer"

/**
 * Splits a stream of bytes into lines. The parts of a line that spans several pieces are joined
 * once, when it ends.
 */
export class LineSplitter {
  /** Lines returned so far, which is the number of the last line, counted from 1. */
  lines = 0
  private piece: Uint8Array = new Uint8Array(0)
  private position = 0
  private begun: Array<Uint8Array> = []
  private begunBytes = 0

  /** Adds the next piece. Call it only after `next` has returned undefined. */
  push(piece: Uint8Array): void {
    this.piece = piece
    this.position = 0
  }

  /** Returns the next whole line, without its line end; undefined if the piece has no more. */
  next(): Uint8Array | undefined {
    const end = this.piece.indexOf(lineFeed, this.position)
    if (end < 0) {
      this.keep(this.piece.subarray(this.position))
      this.position = this.piece.length
      return undefined
    }
    const line = this.complete(this.piece.subarray(this.position, end))
    this.position = end + 1
    return line
  }

  /** Returns the text after the last line end, if there is any. Call it at the end of the input. */
  last(): Uint8Array | undefined {
    return this.begunBytes === 0 ? undefined : this.complete(new Uint8Array(0))
  }

  /**
   * Whether the unfinished line is longer than a string can be, so that it makes no sense to read
   * on.
   */
  get tooLong(): boolean {
    return this.begunBytes > constants.MAX_STRING_LENGTH
  }

  private keep(part: Uint8Array): void {
    if (part.length === 0) return
    this.begun.push(part)
    this.begunBytes += part.length
  }

  private complete(end: Uint8Array): Uint8Array {
    this.lines++
    if (this.begunBytes === 0) return end
    this.keep(end)
    const line = Buffer.concat(this.begun, this.begunBytes)
    this.begun = []
    this.begunBytes = 0
    return line
  }
}

const lineFeed = 0x0a
