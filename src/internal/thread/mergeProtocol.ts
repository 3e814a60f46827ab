import * as Schema from "effect/Schema"
import { MergeFailure, MergeRequest, MergeResult } from "./mergeMessages.js"

/** Merges tables. */
export class Merge extends Schema.TaggedRequest<Merge>()("Merge", {
  failure: MergeFailure,
  success: MergeResult,
  payload: MergeRequest.fields
}) {}

/** Returns when no merge is running. An interrupted merge has removed its files by then. */
export class Settle extends Schema.TaggedRequest<Settle>()("Settle", {
  failure: Schema.Never,
  success: Schema.Void,
  payload: {}
}) {}

export type Request = Merge | Settle

export const Request = Schema.Union(Merge, Settle)
