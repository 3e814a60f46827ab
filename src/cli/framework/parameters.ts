import * as Args from "@effect/cli/Args"
import * as HelpDoc from "@effect/cli/HelpDoc"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { reveal } from "./words.js"

/** A positional argument. */
export const textArgument = (name: string, description: string): Args.Args<string> =>
  Args.text({ name }).pipe(Args.mapEffect(revealArgument), Args.withDescription(description))

/** An option with any text as its value. */
export const textOption = (name: string, placeholder: string, description: string): Options.Options<string> =>
  Options.text(name).pipe(
    Options.withPseudoName(placeholder),
    Options.map(reveal),
    Options.withDescription(description)
  )

/** An option without a value. */
export const switchOption = (name: string, description: string): Options.Options<boolean> =>
  Options.boolean(name).pipe(Options.withDescription(description))

/** The argument as the user typed it. Fails if it is an unknown option. */
const revealArgument = (word: string): Effect.Effect<string, HelpDoc.HelpDoc> =>
  word.startsWith("--")
    ? Effect.fail(HelpDoc.p(`Unknown option ${word} (write -- before arguments that begin with --)`))
    : Effect.succeed(reveal(word))
