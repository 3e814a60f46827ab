// The program of the worker that `CompactionWorker` starts.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeWorkerRunner from "@effect/platform-node/NodeWorkerRunner"
import * as Effect from "effect/Effect"
import * as Storage from "../../Storage.js"
import { serveMerges } from "./mergeRunner.js"

NodeRuntime.runMain(Effect.provide(serveMerges(Storage.makeWith), NodeWorkerRunner.layer))
