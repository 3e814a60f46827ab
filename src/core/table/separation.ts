import { EntryKind, isHandle } from "../cursor/entryKind.js"
import { expires, expirySize } from "../cursor/expiry.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import type { ValueFile } from "../values/valueFile.js"
import { handleFile, valueHandleSize } from "../values/valueHandle.js"
import type { ValueSink } from "../values/valueSink.js"
import type { ValueSource } from "../values/valueSource.js"

export interface SeparationOptions {
  /** Values of at least this many bytes are separated. */
  readonly threshold: number
  /** A value file of at least this many bytes is finished. */
  readonly fileSize: number
  /** Starts the next file for values. */
  readonly begin: () => ValueSink
  /** The files whose values are written anew. Handles to values in other files are kept. */
  readonly collect: ReadonlySet<number>
  /** Reads the values of those files. */
  readonly source: ValueSource
}

/**
 * Decides whether a table gets the value of an entry or a handle to it. Passes on the values that
 * are separated.
 */
export class Separation {
  kind = 0
  valueBytes: Uint8Array = nothing
  valueStart = 0
  valueEnd = 0
  private readonly files: Array<ValueFile> = []
  private sink: ValueSink | undefined
  private readonly time = new Uint8Array(expirySize)

  constructor(private readonly options: SeparationOptions) {}

  /**
   * Takes the entry under a cursor. Sets the kind and the value to write to the table. Returns how
   * many bytes of values were read from other files for it, and copied to others, or as much other
   * work.
   */
  take(entry: InternalCursor): number {
    const { collect, source } = this.options
    const { kind, valueBytes, valueEnd } = entry
    const timeSize = expires(kind) ? expirySize : 0
    const valueStart = entry.valueStart + timeSize
    if (timeSize > 0) this.time.set(valueBytes.subarray(entry.valueStart, valueStart))
    if (kind === EntryKind.value || kind === EntryKind.expiringValue) {
      return this.place(valueBytes, valueStart, valueEnd, timeSize, entry.sequence)
    }
    // A handle of another length is damage, which the source reports.
    if (
      isHandle(kind) &&
      (valueEnd - valueStart !== valueHandleSize || collect.has(handleFile(valueBytes, valueStart)))
    ) {
      const value = source.read(valueBytes, valueStart, valueEnd)
      return value.length + this.place(value, 0, value.length, timeSize, entry.sequence)
    }
    this.set(kind, valueBytes, entry.valueStart, valueEnd)
    return 0
  }

  /** Finishes the last file. Returns all that have values of the tables. They are not synced. */
  finish(): ReadonlyArray<ValueFile> {
    this.finishFile()
    return this.files
  }

  /** `timeSize` is the length of the time before the value, which is in `time`. */
  private place(bytes: Uint8Array, start: number, end: number, timeSize: number, sequence: number): number {
    const { threshold, fileSize, begin } = this.options
    if (end - start < threshold) {
      if (timeSize === 0) this.set(EntryKind.value, bytes, start, end)
      else this.setExpiring(EntryKind.expiringValue, bytes, start, end)
      return 0
    }
    if (this.sink !== undefined && this.sink.size >= fileSize) this.finishFile()
    this.sink ??= begin()
    const copied = this.sink.add(bytes, start, end, sequence)
    const { handle } = this.sink
    if (timeSize === 0) this.set(EntryKind.valueHandle, handle, 0, valueHandleSize)
    else this.setExpiring(EntryKind.expiringHandle, handle, 0, valueHandleSize)
    return copied
  }

  /** The same with the time before it. */
  private setExpiring(kind: number, bytes: Uint8Array, start: number, end: number): void {
    const whole = new Uint8Array(expirySize + end - start)
    whole.set(this.time)
    whole.set(bytes.subarray(start, end), expirySize)
    this.set(kind, whole, 0, whole.length)
  }

  private set(kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.kind = kind
    this.valueBytes = bytes
    this.valueStart = start
    this.valueEnd = end
  }

  private finishFile(): void {
    if (this.sink === undefined) return
    this.files.push(this.sink.finish())
    this.sink = undefined
  }
}

const nothing = new Uint8Array(0)
