import { stripVTControlCharacters } from "node:util"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { CommandFailed } from "../failure.js"
import { commandHelp, programHelp } from "../help/helpText.js"
import { writeOutput } from "../io/output.js"
import { StandardStreams } from "../io/standardStreams.js"
import { rootCommand } from "../rootCommand.js"
import { readHelp } from "./helpSections.js"

/** Runs the command of a command line, or prints the help text that it requests. */
export const runWords = (version: string, words: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const { stdout } = yield* StandardStreams
    // Written at the end, because the framework cannot handle a failure to write.
    const presented: Array<string> = []
    const present = (event: CliOutput.Presenter.Event) => Effect.sync(() => void presented.push(textOf(event)))
    const log = (...texts: ReadonlyArray<unknown>) => void stdout.write(`${texts.join(" ")}\n`)
    yield* Command.runWith(rootCommand, { version })(words).pipe(
      Effect.catchIf(CliError.isCliError, complainOfUsage),
      Effect.provideService(CliOutput.Presenter, { present }),
      Effect.provideService(Console.Console, { ...console, log })
    )
    yield* writeOutput(presented.join(""))
  }).pipe(Effect.provide(NodeServices.layer))

const textOf = (event: CliOutput.Presenter.Event): string => {
  if (event._tag === "Version") return `${event.version}\n`
  // Errors in a command line are reported like those of a command.
  if (event._tag === "InvalidInvocation") return ""
  const { commandPath, helpDoc } = event
  return helpDoc.subcommands === undefined
    ? commandHelp("lsmkv", commandPath.at(-1)!, readHelp(helpDoc, { builtIns: false }))
    : programHelp(
        "lsmkv",
        readHelp(helpDoc, { builtIns: true }),
        helpDoc.subcommands.flatMap(({ commands }) => commands)
      )
}

/** Fails with the first error of the command line. There is none if only a command is missing. */
const complainOfUsage = (error: CliError.CliError): Effect.Effect<void, CommandFailed> => {
  const { commandPath, errors } = error._tag === "ShowHelp" ? error : { commandPath: ["lsmkv"], errors: [error] }
  if (errors[0] === undefined) return Effect.void
  const reason = stripVTControlCharacters(reasonOf(errors[0])).replace(/\.$/, "")
  return Effect.fail(new CommandFailed({ message: `${reason}; see ${commandPath.join(" ")} --help` }))
}

/** The framework's message on one line. */
const reasonOf = (error: CliError.NonShowHelpErrors): string => {
  if (!("suggestions" in error)) return error.message
  const reason = error.message.split("\n\n  Did you mean this?")[0]!
  if (error.suggestions.length > 0) return `${reason} (did you mean ${error.suggestions.join(" or ")}?)`
  return error._tag === "UnrecognizedOption" ? `${reason} (write -- before arguments that begin with a dash)` : reason
}
