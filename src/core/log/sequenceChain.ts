import { CorruptionFailure } from "../storage/failure.js"
import { batchCount, batchSequence, checkBatch } from "./batchFormat.js"

/**
 * Checks the sequence numbers of a log's records: each record must continue where the previous one
 * ended. Only the first may be older than expected, because a segment may begin with records that
 * an earlier flush put into a table.
 */
export class SequenceChain {
  private first = true

  /** `last` is the sequence number of the last operation so far. */
  constructor(public last: number) {}

  /**
   * Takes the batch at `bytes[start, end)`.
   *
   * @throws CorruptionFailure if it is malformed or has an unexpected sequence number.
   */
  take(bytes: Uint8Array, start: number, end: number): void {
    checkBatch(bytes, start, end)
    const sequence = batchSequence(bytes, start)
    const due = this.last + 1
    if (this.first ? sequence > due : sequence !== due) {
      throw new CorruptionFailure("", 0, "log record", `sequence number ${sequence}, expected ${due}`)
    }
    this.first = false
    this.last = sequence + batchCount(bytes, start) - 1
  }
}

/** Adds the place of a record to a failure of its contents. Returns other failures as they are. */
export const failureOfRecord = (failure: unknown, file: string, offset: number): unknown =>
  failure instanceof CorruptionFailure ? new CorruptionFailure(file, offset, "log record", failure.reason) : failure
