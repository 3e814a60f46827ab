import { checksum, placeSeed } from "../bytes/checksum.js"
import { encodeFileHeader, fileHeaderSize, saltOf } from "../storage/fileHeader.js"
import type { StorageFile } from "../storage/storageDriver.js"
import type { ValueFile } from "./valueFile.js"
import { valueHandleSize, writeValueHandle } from "./valueHandle.js"
import type { ValueSink } from "./valueSink.js"

/** Output is written in pieces of this size. A value of half of it or more is not copied. */
const writeSize = 64 * 1024

/** Writes one value file: a file header, then values, one after the other. */
export class ValueFileWriter implements ValueSink {
  readonly handle = new Uint8Array(valueHandleSize)
  private readonly salt: number
  private readonly output = new Uint8Array(writeSize)
  private outputLength = 0
  private written = 0

  constructor(
    private readonly file: StorageFile,
    private readonly fileNumber: number,
    storeId: Uint8Array
  ) {
    this.salt = saltOf(storeId)
    this.output.set(encodeFileHeader({ kind: "values", fileNumber, storeId }))
    this.outputLength = fileHeaderSize
  }

  /** Size of the file so far in bytes, including what is not yet written. */
  get size(): number {
    return this.written + this.outputLength
  }

  add(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start
    const offset = this.size
    const crc = checksum(bytes, start, end, placeSeed(this.salt, this.fileNumber, offset))
    writeValueHandle(this.handle, this.fileNumber, offset, length, crc)
    if (this.outputLength + length > writeSize) this.flushOutput()
    if (length >= writeSize / 2) {
      this.flushOutput()
      this.file.append(bytes, start, length)
      this.written += length
      return length
    }
    this.output.set(new Uint8Array(bytes.buffer, bytes.byteOffset + start, length), this.outputLength)
    this.outputLength += length
    return length
  }

  /** Writes the rest. */
  finish(): ValueFile {
    this.flushOutput()
    return { fileNumber: this.fileNumber, kind: "values", size: this.written }
  }

  private flushOutput(): void {
    if (this.outputLength === 0) return
    this.file.append(this.output, 0, this.outputLength)
    this.written += this.outputLength
    this.outputLength = 0
  }
}
