import * as Rpc from "effect/rpc/Rpc"
import * as RpcGroup from "effect/rpc/RpcGroup"
import { FlushFailure, FlushRequest, Kind, MergeFailure, MergeRequest, MergeResult } from "./mergeMessages.js"

/** What a thread does for its store. */
export class Merges extends RpcGroup.make(
  Rpc.make("Merge", { payload: MergeRequest, success: MergeResult, error: MergeFailure }),
  Rpc.make("Flush", { payload: FlushRequest, success: MergeResult, error: FlushFailure }),
  Rpc.make("Settle", { payload: Kind })
) {}
