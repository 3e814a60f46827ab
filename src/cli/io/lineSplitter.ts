import { constants } from "node:buffer"

/** Cuts a stream of bytes into lines. Bytes of a line that spans several pieces are put together once, when it ends. */
export class LineSplitter {
  /** Lines answered so far: the number of the last one, counted from 1. */
  lines = 0
  private piece: Uint8Array = new Uint8Array(0)
  private position = 0
  private begun: Array<Uint8Array> = []
  private begunBytes = 0

  /** The next piece, when `next` has answered undefined. */
  push(piece: Uint8Array): void {
    this.piece = piece
    this.position = 0
  }

  /** The next whole line, without its end. */
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

  /** What is behind the last line end, when there is no more input. */
  last(): Uint8Array | undefined {
    return this.begunBytes === 0 ? undefined : this.complete(new Uint8Array(0))
  }

  /** Whether the line that has begun is longer than any text can be, so that waiting for its end would only fill the memory. */
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
