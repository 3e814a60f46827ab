import { checksum, placeSeed } from "../bytes/checksum.js"
import { saltOf } from "../storage/fileHeader.js"
import type { ValueFile } from "./valueFile.js"
import { valueHandleSize, writeValueHandle } from "./valueHandle.js"
import type { ValueSink } from "./valueSink.js"

/** Leaves values where a log segment has them: nothing is copied, and the segment is kept. */
export class ValuesInLog implements ValueSink {
  readonly handle = new Uint8Array(valueHandleSize)
  readonly size = 0
  private readonly salt: number

  /** `segment` is the whole file. Values are added as ranges of it. */
  constructor(
    private readonly segment: Uint8Array,
    private readonly fileNumber: number,
    storeId: Uint8Array
  ) {
    this.salt = saltOf(storeId)
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    const { fileNumber, salt } = this
    const crc = checksum(bytes, start, end, placeSeed(salt, fileNumber, start))
    writeValueHandle(this.handle, fileNumber, start, end - start, crc)
  }

  finish(): ValueFile {
    return { fileNumber: this.fileNumber, kind: "log", size: this.segment.length }
  }
}
