import { stripVTControlCharacters } from "node:util"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { StandardStreams, type Streams } from "./standardStreams.js"

/** Text without the escape sequences of a terminal, and without the marks of the command line's protected words. */
export const plainText = (text: string): string => stripVTControlCharacters(text).replaceAll("\0", "")

/**
 * Runs the command line's framework with a console of ours: help and version go to standard output, coloured only where it is a
 * terminal that has colours. Its errors are not printed, because `report` prints every error in the same form.
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
