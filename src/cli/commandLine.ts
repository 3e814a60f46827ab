import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Effect from "effect/Effect"

/**
 * Prepares the words of the command line for the framework, which looks for options in all of them, even behind `--`, and takes
 * options that it does not know for arguments.
 *
 * - Words behind `--` are protected: a NUL is put before them, which no word of a command line can hold, so that
 *   none of them looks like an option. `reveal` takes it off.
 * - `--name=value` becomes two words, so that values may be empty, hold line ends or begin with a dash.
 */
export const prepareWords = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = words.indexOf("--")
  const free = end < 0 ? words : words.slice(0, end)
  const forced = end < 0 ? [] : words.slice(end + 1)
  const options = free.flatMap((word) => {
    const assignment = /^(--[a-z][a-z-]*)=(.*)$/s.exec(word)
    return assignment === null ? [word] : [assignment[1]!, protectDash(assignment[2]!)]
  })
  return [...options, ...forced.map(protect)]
}

/** A word as it was typed. */
export const reveal = (word: string): string => (word.startsWith("\0") ? word.slice(1) : word)

/** An argument as it was typed, unless it is an option that no one knows. */
export const revealArgument = (word: string): Effect.Effect<string, HelpDoc.HelpDoc> =>
  word.startsWith("--")
    ? Effect.fail(HelpDoc.p(`Unknown option ${word}: a -- goes before arguments that begin so`))
    : Effect.succeed(reveal(word))

const protect = (word: string): string => `\0${word}`

const protectDash = (word: string): string => (word.startsWith("-") ? protect(word) : word)
