import * as Args from "@effect/cli/Args"
import * as Options from "@effect/cli/Options"
import { reveal, revealArgument } from "./commandLine.js"
import { encodings } from "./format/encoding.js"

/** A positional argument. */
export const textArgument = (name: string, description: string): Args.Args<string> =>
  Args.text({ name }).pipe(Args.mapEffect(revealArgument), Args.withDescription(description))

/** An option with a text of any kind. */
export const textOption = (name: string, placeholder: string, description: string): Options.Options<string> =>
  Options.text(name).pipe(
    Options.withPseudoName(placeholder),
    Options.map(reveal),
    Options.withDescription(description)
  )

/** The directory of the store: the first argument of every command. */
export const directory = textArgument("directory", "The directory of the store.")

/** A key. */
export const key = textArgument("key", "The key.")

/** Whether output is JSON lines. */
export const json = Options.boolean("json").pipe(Options.withDescription("Print JSON, one object a line."))

/** How keys and values are written. */
export const encoding = Options.choice("encoding", encodings).pipe(
  Options.withDefault("utf8" as const),
  Options.withDescription("How keys and values are written, here and in the output: utf8 (the default), hex or base64.")
)

const recoveries = { strict: "strict", "point-in-time": "pointInTime", salvage: "salvage" } as const

/** What is done about damage by a command that writes. */
export const recovery = Options.choiceWithValue("recovery", Object.entries(recoveries)).pipe(
  Options.withDefault(recoveries.strict),
  Options.withDescription(
    "What to do about damage: strict (the default), fail; point-in-time, end the log where its damage begins; salvage, keep all that is sound. The damaged files are kept aside."
  )
)

/** The same for one that only reads, which cannot salvage. */
export const readRecovery = Options.choiceWithValue(
  "recovery",
  Object.entries(recoveries).filter(([, value]) => value !== "salvage")
).pipe(
  Options.withDefault(recoveries.strict),
  Options.withDescription(
    "What to do about damage: strict (the default), fail; point-in-time, look away from the log where its damage begins."
  )
)

/** When a write is acknowledged. */
export const durability = Options.choice("durability", ["sync", "buffered"]).pipe(
  Options.withDefault("sync" as const),
  Options.withDescription(
    "When a write counts as done: sync (the default), when it is on disk; buffered, when the operating system has it."
  )
)
