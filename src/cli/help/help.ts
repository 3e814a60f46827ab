import { commandDescriptors, rootCommand } from "../rootCommand.js"
import { commandHelp, programHelp } from "./helpText.js"

/**
 * Returns the help text that a command line requests; undefined if it requests none. An empty
 * command line requests the help text of the program.
 */
export const requestedHelp = (words: ReadonlyArray<string>): string | undefined => {
  if (words.length > 0 && !words.includes("--help") && !words.includes("-h")) return undefined
  const name = words.find((word) => commandDescriptors.has(word))
  const descriptor = name === undefined ? undefined : commandDescriptors.get(name)
  return name === undefined || descriptor === undefined
    ? programHelp("lsmkv", rootCommand.descriptor, commandDescriptors)
    : commandHelp("lsmkv", name, descriptor)
}
