import * as CommandDescriptor from "@effect/cli/CommandDescriptor"
import { commandHelp, programHelp } from "../help/helpText.js"
import { commands, rootCommand } from "../rootCommand.js"
import { readHelp } from "./helpSections.js"

const descriptors: ReadonlyMap<string, CommandDescriptor.Command<unknown>> = new Map(
  commands.flatMap(({ descriptor }: { readonly descriptor: CommandDescriptor.Command<unknown> }) =>
    Array.from(CommandDescriptor.getNames(descriptor), (name) => [name, descriptor] as const)
  )
)

/** The name of the command that a command line runs, if it has one. */
export const commandName = (words: ReadonlyArray<string>): string | undefined =>
  words.find((word) => descriptors.has(word))

/**
 * Returns the help text that a command line requests; undefined if it requests none. An empty
 * command line requests the help text of the program.
 */
export const requestedHelp = (words: ReadonlyArray<string>): string | undefined => {
  if (words.length > 0 && !words.includes("--help") && !words.includes("-h")) return undefined
  const name = commandName(words)
  const descriptor = name === undefined ? undefined : descriptors.get(name)
  if (name !== undefined && descriptor !== undefined)
    return commandHelp("lsmkv", name, readHelp(descriptor, { builtIns: false }))
  const described = Array.from(descriptors, ([name, descriptor]) => ({
    name,
    description: readHelp(descriptor, { builtIns: false }).description
  }))
  return programHelp("lsmkv", readHelp(rootCommand.descriptor, { builtIns: true }), described)
}

/** The names of the options of a command, such as `--limit`. */
export const optionsOf = (name: string): ReadonlyArray<string> => {
  const descriptor = descriptors.get(name)
  if (descriptor === undefined) return []
  return readHelp(descriptor, { builtIns: true }).options.flatMap(({ term }) => term.match(/--[a-z0-9-]+/g) ?? [])
}
