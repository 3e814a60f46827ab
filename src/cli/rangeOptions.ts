import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Range } from "../Store.js"
import { textOption } from "./arguments.js"
import { CommandFailed } from "./failure.js"
import { decodeText, type Encoding } from "./format/encoding.js"

/** The options that say which keys a command is about. */
export const rangeOptions = {
  start: textOption("start", "key", "The first key; by default the first of the store.").pipe(Options.optional),
  end: textOption("end", "key", "The key to stop before; by default none.").pipe(Options.optional),
  prefix: textOption("prefix", "key", "Only keys that begin with this.").pipe(Options.optional)
}

/** What those options were given. */
export interface RangeTexts {
  readonly start: Option.Option<string>
  readonly end: Option.Option<string>
  readonly prefix: Option.Option<string>
}

/** A range of keys from its texts. */
export const decodeRange = (texts: RangeTexts, encoding: Encoding): Effect.Effect<Range, CommandFailed> => {
  const bound = (name: keyof RangeTexts): Effect.Effect<Uint8Array | undefined, CommandFailed> =>
    Option.match(texts[name], {
      onNone: () => Effect.succeed(undefined),
      onSome: (text) => decodeArgument(`--${name}`, text, encoding)
    })
  return Effect.all({ start: bound("start"), end: bound("end"), prefix: bound("prefix") })
}

/** The bytes of a word of the command line. */
export const decodeArgument = (
  name: string,
  text: string,
  encoding: Encoding
): Effect.Effect<Uint8Array, CommandFailed> =>
  Either.mapLeft(decodeText(encoding, text), (reason) => new CommandFailed({ message: `${name} ${reason}` }))
