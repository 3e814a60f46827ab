import { placeSeed } from "../bytes/checksum.js"
import { saltOf } from "../storage/fileHeader.js"
import type { LoggedValues } from "./loggedValues.js"
import type { ValueFile } from "./valueFile.js"
import { valueHandleSize, writeValueHandle } from "./valueHandle.js"
import type { ValueSink } from "./valueSink.js"

/** Leaves values where a log segment has them: nothing is copied, and the segment is kept. */
export class ValuesInLog implements ValueSink {
  readonly handle = new Uint8Array(valueHandleSize)
  readonly size = 0
  private readonly salt: number

  /** `values` are those of a rotated segment. */
  constructor(
    private readonly values: LoggedValues,
    storeId: Uint8Array
  ) {
    this.salt = saltOf(storeId)
  }

  add(_bytes: Uint8Array, start: number, end: number, sequence: number): number {
    const { salt, values } = this
    const length = end - start
    const index = values.indexOf(sequence)
    const offset = values.offsetAt(index)
    const crc = values.checksumAt(index, length, placeSeed(salt, values.segment, offset))
    writeValueHandle(this.handle, values.segment, offset, length, crc)
    return 0
  }

  finish(): ValueFile {
    return { fileNumber: this.values.segment, kind: "log", size: this.values.size }
  }
}
