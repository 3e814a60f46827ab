import { CorruptionFailure } from "../storage/failure.js"
import { batchCount, batchSequence, checkBatch } from "./batchFormat.js"

/**
 * Follows the sequence numbers of a log's records: each record goes on where the one before it ended. The first may be older
 * than what is due, for a segment may begin with records that an earlier flush has put into a table.
 */
export class SequenceChain {
  private first = true

  /** `last` is the number of the last operation so far. */
  constructor(public last: number) {}

  /** Takes the batch at `bytes[start, end)`. @throws CorruptionFailure when it is malformed, or not the one that is due. */
  take(bytes: Uint8Array, start: number, end: number): void {
    checkBatch(bytes, start, end)
    const sequence = batchSequence(bytes, start)
    const due = this.last + 1
    if (this.first ? sequence > due : sequence !== due) {
      throw new CorruptionFailure("", 0, "log record", `sequence number ${sequence} where ${due} was due`)
    }
    this.first = false
    this.last = sequence + batchCount(bytes, start) - 1
  }
}

/** What a failure of a record's contents is, told of the place where the record stands. */
export const failureOfRecord = (failure: unknown, file: string, offset: number): unknown =>
  failure instanceof CorruptionFailure ? new CorruptionFailure(file, offset, "log record", failure.reason) : failure
