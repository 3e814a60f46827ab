import type { LoggedValues } from "./loggedValues.js"
import type { ValueFile } from "./valueFile.js"
import { valueHandleSize, writeValueHandle } from "./valueHandle.js"
import type { ValueSink } from "./valueSink.js"

/** Leaves values where a log segment has them: nothing is copied, and the segment is kept. */
export class ValuesInLog implements ValueSink {
  readonly handle = new Uint8Array(valueHandleSize)
  readonly size = 0

  /** `values` are those of a rotated segment. */
  constructor(private readonly values: LoggedValues) {}

  add(_bytes: Uint8Array, start: number, end: number, sequence: number): number {
    const { handle, values } = this
    const index = values.indexOf(sequence)
    writeValueHandle(handle, values.segment, values.offsetAt(index), end - start, values.checksumAt(index))
    return handleCost
  }

  finish(): ValueFile {
    return { fileNumber: this.values.segment, kind: "log", size: this.values.size }
  }
}

/** The work of a handle takes as long as the copying of so many bytes. */
const handleCost = 256
