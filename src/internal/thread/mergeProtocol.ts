import * as Schema from "effect/Schema"
import { FlushFailure, FlushRequest, Kind, MergeFailure, MergeRequest, MergeResult } from "./mergeMessages.js"

/** Merges tables. */
export class Merge extends Schema.TaggedRequest<Merge>()("Merge", {
  failure: MergeFailure,
  success: MergeResult,
  payload: MergeRequest.fields
}) {}

/** Writes a table of level 0 from a log segment. */
export class Flush extends Schema.TaggedRequest<Flush>()("Flush", {
  failure: FlushFailure,
  success: MergeResult,
  payload: FlushRequest.fields
}) {}

/**
 * Returns when no work of a kind is under way. Interrupted work has removed its files by then.
 */
export class Settle extends Schema.TaggedRequest<Settle>()("Settle", {
  failure: Schema.Never,
  success: Schema.Void,
  payload: Kind.fields
}) {}

export type Request = Merge | Flush | Settle

export const Request = Schema.Union(Merge, Flush, Settle)
