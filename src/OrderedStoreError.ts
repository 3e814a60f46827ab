/**
 * The errors that an ordered store may have and a store in this process has not, and those of its feed
 * of changes.
 *
 * @since 3.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The engine could not be reached, or could not serve the request. Nothing was written. The same
 * request may succeed later.
 *
 * @since 3.1.0
 * @category errors
 */
export class Unavailable extends Schema.TaggedError<Unavailable>("effect-lsm/Unavailable")("Unavailable", {
  reason: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {
  override get message(): string {
    return `the store is unavailable: ${this.reason}`
  }
}

/**
 * A write was sent, and it is not known whether it was done. To do it again is safe only if doing it
 * twice is.
 *
 * @since 3.1.0
 * @category errors
 */
export class OutcomeUnknown extends Schema.TaggedError<OutcomeUnknown>("effect-lsm/OutcomeUnknown")("OutcomeUnknown", {
  reason: Schema.String,
  cause: Schema.optional(Schema.Defect)
}) {
  override get message(): string {
    return `it is not known whether a write was done: ${this.reason}`
  }
}

/**
 * The engine cannot read at a snapshot any more, though its scope has not ended. Take another one.
 *
 * @since 3.1.0
 * @category errors
 */
export class SnapshotLost extends Schema.TaggedError<SnapshotLost>("effect-lsm/SnapshotLost")("SnapshotLost", {
  reason: Schema.String
}) {
  override get message(): string {
    return `a snapshot was lost: ${this.reason}`
  }
}

/**
 * The feed has no longer, or has not yet, what follows a position: changes before `oldest` were
 * removed. Read the store anew, and go on from there.
 *
 * @since 3.1.0
 * @category errors
 */
export class SequenceTooOld extends Schema.TaggedError<SequenceTooOld>("effect-lsm/SequenceTooOld")("SequenceTooOld", {
  /** The sequence number of the first change that was asked for. */
  sequence: Schema.Number,
  /** The sequence number of the oldest change that there is. */
  oldest: Schema.Number
}) {
  override get message(): string {
    return `the feed has changes from ${this.oldest} on, not from ${this.sequence}`
  }
}

/**
 * A position is one of another history: the store was restored, repaired, copied or made anew after
 * it. Read the store anew, and go on from there.
 *
 * @since 3.1.0
 * @category errors
 */
export class FeedReset extends Schema.TaggedError<FeedReset>("effect-lsm/FeedReset")("FeedReset", {
  reason: Schema.String
}) {
  override get message(): string {
    return `the feed began anew: ${this.reason}`
  }
}
