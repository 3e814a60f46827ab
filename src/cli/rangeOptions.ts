import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { Range } from "../Store.js"
import { CommandFailed } from "./failure.js"
import { decodeText, type Encoding } from "./format/encoding.js"
import { textOption } from "./framework/parameters.js"

/** The options that select a range of keys. */
export const rangeOptions = {
  start: textOption("start", "key", "Start at this key. Default: the start of the store.").pipe(Options.optional),
  end: textOption("end", "key", "Stop before this key. Default: the end of the store.").pipe(Options.optional),
  prefix: textOption("prefix", "key", "Only keys that begin with this prefix.").pipe(Options.optional)
}

/** The values of these options as text. */
export interface RangeTexts {
  readonly start: Option.Option<string>
  readonly end: Option.Option<string>
  readonly prefix: Option.Option<string>
}

/** Decodes the options of a range. */
export const decodeRange = (texts: RangeTexts, encoding: Encoding): Effect.Effect<Range, CommandFailed> => {
  const bound = (name: keyof RangeTexts): Effect.Effect<Uint8Array | undefined, CommandFailed> =>
    Option.match(texts[name], {
      onNone: () => Effect.succeed(undefined),
      onSome: (text) => decodeArgument(`--${name}`, text, encoding)
    })
  return Effect.all({ start: bound("start"), end: bound("end"), prefix: bound("prefix") })
}

/** Decodes an argument or the value of an option. `name` appears in the error. */
export const decodeArgument = (
  name: string,
  text: string,
  encoding: Encoding
): Effect.Effect<Uint8Array, CommandFailed> => {
  const decoded = decodeText(encoding, text)
  return Either.isRight(decoded)
    ? Effect.succeed(decoded.right)
    : Effect.fail(new CommandFailed({ message: `${name} ${decoded.left}` }))
}
