import { spawn } from "node:child_process"
import { Console, Effect } from "effect"

/** When the first run kills its import: after about a third of it. */
const acknowledgedBatches = 100

/** Imports in a process of its own, which is killed by SIGKILL on the way: no handler runs, nothing is closed. */
export const importUntilKilled = (directory: string) =>
  Effect.gen(function* () {
    yield* Console.log(`Importing in a process that will be killed after ${acknowledgedBatches} batches`)
    const words = [process.argv[1]!, "--directory", directory, "--kill-at", String(acknowledgedBatches)]
    const signal = yield* Effect.async<string | null, Error>((resume) => {
      const child = spawn(process.execPath, [...process.execArgv, ...words], { stdio: "inherit" })
      child.on("error", (error) => resume(Effect.fail(error)))
      child.on("close", (_, signal) => resume(Effect.succeed(signal)))
      return Effect.sync(() => child.kill())
    })
    if (signal !== "SIGKILL") return yield* Effect.fail(new Error("the import was not killed"))
    yield* Console.log("It was killed by SIGKILL, with a batch under way\n")
  })
