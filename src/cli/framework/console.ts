import { stripVTControlCharacters } from "node:util"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { StandardStreams, type Streams } from "../io/standardStreams.js"

/** Removes terminal escape sequences, and the marks of the protected words of the command line. */
export const plainText = (text: string): string => stripVTControlCharacters(text).replaceAll("\0", "")

/**
 * Runs the command-line framework with our console. Help and version go to standard output, with
 * colours only if it is a terminal that has them. The framework's error output is dropped, because
 * `report` prints all errors in the same form.
 */
export const withPlainConsole = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(StandardStreams, ({ stdout }) =>
    Console.consoleWith((console) =>
      Console.withConsole(effect, {
        ...console,
        log: (...words) => Effect.sync(() => void stdout.write(`${shown(words.join(" "), stdout).trim()}\n`)),
        error: () => Effect.void
      })
    )
  )

const shown = (text: string, stdout: Streams["stdout"]): string =>
  stdout.isTTY && stdout.hasColors?.() ? text : plainText(text)
