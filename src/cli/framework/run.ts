import * as CliConfig from "@effect/cli/CliConfig"
import * as Command from "@effect/cli/Command"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import * as NodePath from "@effect/platform-node/NodePath"
import * as NodeTerminal from "@effect/platform-node/NodeTerminal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { nearest } from "../../core/options/nearest.js"
import { CommandFailed } from "../failure.js"
import { writeOutput } from "../io/output.js"
import { rootCommand } from "../rootCommand.js"
import { plainText, withPlainConsole } from "./console.js"
import { commandName, optionsOf, requestedHelp } from "./help.js"
import { prepareWords } from "./words.js"

// Not NodeContext: it also loads workers and subprocesses, which makes the program start slower.
const services = Layer.mergeAll(NodePath.layer, NodeTerminal.layer, CliConfig.layer({ isCaseSensitive: true }))

/** Runs the command of a command line, or prints the help text that it requests. */
export const runWords = (version: string, typed: ReadonlyArray<string>) => {
  const words = prepareWords(typed)
  const help = requestedHelp(words)
  const runCommand = Command.run(rootCommand, { name: "lsmkv", version, executable: "lsmkv" })
  // The framework skips the first two words, as the names of node and of the program.
  return (help === undefined ? withPlainConsole(runCommand(["", "", ...words])) : writeOutput(help)).pipe(
    Effect.catchIf(ValidationError.isValidationError, (error) => Effect.fail(usageFailure(error, commandName(words)))),
    Effect.provide(services)
  )
}

const usageFailure = ({ error }: ValidationError.ValidationError, command: string | undefined): CommandFailed => {
  const reason = withNearest(plainText(HelpDoc.toAnsiText(error)).trim().replace(/\.$/, ""), command)
  return new CommandFailed({ message: `${reason}; see lsmkv ${command === undefined ? "" : `${command} `}--help` })
}

/** The framework names the nearest command, but not the nearest option. */
const withNearest = (reason: string, command: string | undefined): string => {
  const word = /^(?:Unknown option|Received unknown argument:) '?(--[^\s='"]+)/.exec(reason)?.[1]
  const near = word === undefined || command === undefined ? undefined : nearest(word, optionsOf(command))
  return near === undefined ? reason : `${reason}; the nearest is ${near}`
}
