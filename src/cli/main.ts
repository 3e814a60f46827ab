import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Exit from "effect/Exit"
import { run } from "./program.js"

/** Runs the words of this process, and ends it with the exit code. */
export const main = (): void =>
  NodeRuntime.runMain(run(process.argv.slice(2)), {
    disableErrorReporting: true,
    disablePrettyLogger: true,
    // Only a signal ends it otherwise: every failure has become a code.
    teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? Number(exit.value) : 130)
  })
