import type { ValueFile } from "./valueFile.js"

/** Takes the values that are separated from a table. */
export interface ValueSink {
  /** The handle of the last value added. */
  readonly handle: Uint8Array
  /** Bytes written so far. */
  readonly size: number
  /**
   * Adds the value of the entry with this sequence number. `handle` is its handle until the next one
   * is added. Returns the work done, in bytes that could have been copied.
   */
  add(bytes: Uint8Array, start: number, end: number, sequence: number): number
  /** Ends the file that the handles lead to. It is then complete but not synced. */
  finish(): ValueFile
}
