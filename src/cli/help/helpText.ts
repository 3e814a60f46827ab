import type * as CommandDescriptor from "@effect/cli/CommandDescriptor"
import { type Definition, readHelp } from "./helpSections.js"
import { wrap } from "./wrap.js"

type AnyCommand = CommandDescriptor.Command<unknown>

/**
 * What one command does and takes. The framework's own page has six lines for every option and lines wider than any
 * terminal; this is the same content on a page that fits.
 */
export const commandHelp = (program: string, name: string, command: AnyCommand): string => {
  const { description, args, options } = readHelp(command, { builtIns: false })
  const usage = [program, name, ...args.map(usageWord), "[options]"].join(" ")
  return [
    wrap(description),
    `usage: ${usage}\n`,
    definitions(args),
    definitions(options),
    wrap(`${program} --help shows the options that every command has.`)
  ].join("\n")
}

/** What the program does, its commands, and the options that all of them have. */
export const programHelp = (
  program: string,
  command: AnyCommand,
  subcommands: ReadonlyMap<string, AnyCommand>
): string => {
  const { description, options } = readHelp(command, { builtIns: true })
  const commands = Array.from(subcommands, ([name, subcommand]) => ({
    term: name,
    text: firstSentence(readHelp(subcommand, { builtIns: false }).description),
    optional: false
  }))
  return [
    wrap(description),
    `usage: ${program} <command> <directory> …\n`,
    definitions(commands),
    definitions(options),
    wrap(`${program} <command> --help tells more of a command. A -- goes before keys and values that begin with --.`),
    "exit codes: 0 done, 1 get of an absent key, 2 error, 3 damage found or something lost to it\n"
  ].join("\n")
}

const usageWord = ({ term, optional }: Definition): string => (optional ? `[${term}]` : term)

const firstSentence = (text: string): string => `${text.split(/[.:] /)[0]?.replace(/\.$/, "")}.`

/** Terms and their texts in two columns; a term that would take too much of the page has a line of its own. */
const definitions = (items: ReadonlyArray<Definition>): string => {
  const widths = items.map(({ term }) => term.length + 4).filter((width) => width <= widestTerm)
  const width = Math.max(0, ...widths)
  return items
    .map(({ term, text }) =>
      term.length + 4 > width
        ? `  ${term}\n${wrap(text, " ".repeat(width), width)}`
        : wrap(text, `  ${term}`.padEnd(width), width)
    )
    .join("")
}

const widestTerm = 36
