import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import { MergeFailure, MergeRequest, MergeResult } from "./mergeMessages.js"

/** What a merging thread does for its store. */
export class Merges extends RpcGroup.make(
  Rpc.make("Merge", { payload: MergeRequest, success: MergeResult, error: MergeFailure }),
  Rpc.make("Settle")
) {}
