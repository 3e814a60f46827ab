import { createRequire } from "node:module"
import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { prepareWords } from "./commandLine.js"
import { report } from "./format/report.js"
import { requestedHelp } from "./help/help.js"
import { withPlainConsole } from "./io/console.js"
import { logging } from "./io/logging.js"
import { tolerateClosedOutput, writeOutput } from "./io/output.js"
import { commandDescriptors, rootCommand } from "./rootCommand.js"

const { version } = createRequire(import.meta.url)("../../package.json") as { readonly version: string }

const runCommand = Command.run(rootCommand, { name: "lsmkv", version, executable: "lsmkv" })

// Not NodeContext: it also loads workers and subprocesses, which makes the program start slower.
const services = Layer.mergeAll(
  NodeFileSystem.layer,
  NodePath.layer,
  NodeTerminal.layer,
  CliConfig.layer({ isCaseSensitive: true }),
  logging
)

/** Runs a command line and returns its exit code. */
export const run = (typed: ReadonlyArray<string>): Effect.Effect<number> => {
  const words = prepareWords(typed)
  const help = requestedHelp(words)
  return tolerateClosedOutput.pipe(
    // The framework skips the first two words, as the names of node and of the program.
    Effect.zipRight(help === undefined ? withPlainConsole(runCommand(["", "", ...words])) : writeOutput(help)),
    Effect.as(0),
    Effect.catchAllCause(report(words.find((word) => commandDescriptors.has(word)))),
    Effect.provide(services)
  )
}
