/**
 * Prepares the words of the command line for the framework. The framework looks for options in all
 * words, even after `--`, and treats unknown options as arguments.
 *
 * - Words after `--` get a NUL in front, so that none looks like an option. A word of a command
 *   line cannot contain a NUL. `reveal` removes it.
 * - `--name=value` becomes two words, so that a value may be empty, contain line ends or begin with
 *   a dash.
 */
export const prepareWords = (words: ReadonlyArray<string>): ReadonlyArray<string> => {
  const end = words.indexOf("--")
  const free = end < 0 ? words : words.slice(0, end)
  const forced = end < 0 ? [] : words.slice(end + 1)
  const options = free.flatMap((word) => {
    const assignment = /^(--[a-z][a-z0-9-]*)=(.*)$/s.exec(word)
    return assignment === null ? [word] : [assignment[1]!, protectDash(assignment[2]!)]
  })
  return [...options, ...forced.map(protect)]
}

/** The word as the user typed it. */
export const reveal = (word: string): string => (word.startsWith("\0") ? word.slice(1) : word)

const protect = (word: string): string => `\0${word}`

const protectDash = (word: string): string => (word.startsWith("-") ? protect(word) : word)
