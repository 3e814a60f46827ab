import * as Options from "@effect/cli/Options"
import { options } from "../core/options/options.js"
import { encodings } from "./format/encoding.js"
import { switchOption, textArgument } from "./framework/parameters.js"

/** The directory of the store. Every command has it as its first argument. */
export const directory = textArgument("directory", "The directory of the store.")

/** A key. */
export const key = textArgument("key", "The key.")

/** Whether to print JSON lines. */
export const json = switchOption("json", "Print JSON, one object per line.")

/** The encoding of keys and values. */
export const encoding = Options.choice("encoding", encodings).pipe(
  Options.withDefault("utf8" as const),
  Options.withDescription(
    "The encoding of keys and values in arguments, input and output: utf8 (the default), hex or base64."
  )
)

const recoveries = { strict: "strict", "point-in-time": "pointInTime", salvage: "salvage" } as const

/** How a command that writes handles damage. */
export const recovery = Options.choiceWithValue("recovery", Object.entries(recoveries)).pipe(
  Options.withDefault(recoveries.strict),
  Options.withDescription(
    "How to handle damage: strict (the default) fails; point-in-time cuts the log where its damage begins; salvage keeps all sound data. The last two first save the original files in a separate directory."
  )
)

/** How a command that only reads handles damage. It cannot salvage. */
export const readRecovery = Options.choiceWithValue(
  "recovery",
  Object.entries(recoveries).filter(([, value]) => value !== "salvage")
).pipe(
  Options.withDefault(recoveries.strict),
  Options.withDescription(
    "How to handle damage: strict (the default) fails; point-in-time ignores the log from its first damage on. The files are not changed."
  )
)

/** When a write is acknowledged. */
export const durability = Options.choice("durability", options.durability.kind.words).pipe(
  Options.withDefault("sync" as const),
  Options.withDescription(
    "When a write is done: sync (the default), when it is on disk; buffered, when the operating system has it."
  )
)
