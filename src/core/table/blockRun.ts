import { type Handle, sectionCodec, sectionFault, uncompressed } from "./tableFormat.js"

/** Where the sections of a run come from. */
export interface RunSource {
  readonly salt: number
  readonly fileNumber: number
  /** Throws the error for a damaged block. */
  fail(offset: number, region: string, reason: string): never
}

/**
 * Consecutive stored blocks that were read together. Each is checked when it is opened, and an
 * uncompressed one is used where it lies.
 */
export class BlockRun {
  /** The block that was opened last is `bytes[start, end)`. */
  bytes: Uint8Array
  start = 0
  end = 0

  /** `handles` are those of the blocks from `first` on, and `stored` their sections. */
  constructor(
    private readonly source: RunSource,
    readonly first: number,
    private readonly handles: ReadonlyArray<Handle>,
    private readonly stored: Uint8Array
  ) {
    this.bytes = stored
  }

  get last(): number {
    return this.first + this.handles.length - 1
  }
  get buffer(): ArrayBufferLike {
    return this.stored.buffer
  }

  /** Opens a block of the run. Returns whether it lies in the run's own buffer. */
  open(block: number): boolean {
    const { handles, stored, source } = this
    const { offset, length } = handles[block - this.first]!
    const start = offset - handles[0]!.offset
    const fault = sectionFault(stored, start, length, source.salt, source.fileNumber, offset)
    if (fault !== undefined) source.fail(offset, "data block", fault)
    const isPlain = sectionCodec(stored, start, length) === "none"
    if (isPlain) {
      this.bytes = stored
      this.start = start
      this.end = start + length
    } else {
      const content = uncompressed(stored, start, length)
      if (typeof content === "string") return source.fail(offset, "data block", content)
      this.bytes = content
      this.start = 0
      this.end = content.length
    }
    return isPlain
  }
}
