import * as Argument from "effect/cli/Argument"
import * as Flag from "effect/cli/Flag"

/** A positional argument. */
export const textArgument = (name: string, description: string): Argument.Argument<string> =>
  Argument.String(name).pipe(Argument.withDescription(description))

/** An option with any text as its value. */
export const textOption = (name: string, placeholder: string, description: string): Flag.Flag<string> =>
  Flag.String(name).pipe(Flag.withMetavar(placeholder), Flag.withDescription(description))

/** An option without a value. */
export const switchOption = (name: string, description: string): Flag.Flag<boolean> =>
  Flag.Boolean(name).pipe(
    // Otherwise a following word such as `1` or `on` would be its value, and not an argument.
    Flag.withOptionalValue("true"),
    Flag.withDefault(false),
    Flag.withDescription(description)
  )
