import { isTuningOption } from "../tuningOptions.js"
import { wrap } from "./wrap.js"

/** An argument or an option, and its description. */
export interface Definition {
  readonly term: string
  readonly text: string
  readonly optional: boolean
}

/** The parts of a command's help text. */
export interface HelpSections {
  readonly description: string
  readonly args: ReadonlyArray<Definition>
  readonly options: ReadonlyArray<Definition>
}

/**
 * The help text of one command. The framework's own text has six lines for every option, and very
 * long lines. This text has the same content in lines of at most 100 columns.
 */
export const commandHelp = (program: string, name: string, { description, args, options }: HelpSections): string => {
  const usage = [program, name, ...args.map(usageWord), "[options]"].join(" ")
  // There are too many of them for each help text.
  const own = options.filter(({ term }) => !isTuningOption(term.split(" ")[0]!))
  return [
    wrap(description),
    `usage: ${usage}\n`,
    definitions(args),
    definitions(own),
    ...(own.length === options.length ? [] : [wrap(`${program} options shows the options that tune the store.`)]),
    wrap(`${program} --help shows the options that every command has.`)
  ].join("\n")
}

/** The help text of the program: its commands, and the options that all commands have. */
export const programHelp = (
  program: string,
  { description, options }: HelpSections,
  commands: ReadonlyArray<{ readonly name: string; readonly description: string }>
): string => {
  const summaries = commands.map(({ name, description }) => ({
    term: name,
    text: firstSentence(description),
    optional: false
  }))
  return [
    wrap(description),
    `usage: ${program} <command> <directory> [arguments] [options]\n`,
    definitions(summaries),
    definitions(options),
    wrap(
      `${program} <command> --help shows the arguments and options of a command. Write -- before keys and values that begin with a dash.`
    ),
    "exit codes: 0 success, 1 key not found (get), 2 error, 3 damage found or data lost, 130 interrupted\n"
  ].join("\n")
}

const usageWord = ({ term, optional }: Definition): string => (optional ? `[${term}]` : term)

const firstSentence = (text: string): string => `${text.split(/[.:] /)[0]?.replace(/\.$/, "")}.`

/**
 * Terms and their texts in two columns. A term that is too wide for its column gets a separate
 * line.
 */
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
