import * as Schema from "effect/Schema"

/** The thread cannot flush a log segment: it cannot read it, or found other records in it. */
export class SegmentUnusable extends Schema.TaggedError<SegmentUnusable>("effect-lsm/SegmentUnusable")(
  "SegmentUnusable",
  { reason: Schema.String }
) {
  override get message(): string {
    return this.reason
  }
}
