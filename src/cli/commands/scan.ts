import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import { directory, encoding, json, readRecovery } from "../arguments.js"
import { chooseFormat } from "../format/chooseFormat.js"
import { switchOption } from "../framework/parameters.js"
import { writeOutput } from "../io/output.js"
import { printLines } from "../io/printLines.js"
import { openReading } from "../openStore.js"
import { decodeRange, rangeOptions } from "../rangeOptions.js"
import { tuning } from "../tuningOptions.js"

const reverse = switchOption("reverse", "Print entries from the last key to the first.")
const limit = Options.integer("limit").pipe(
  Options.optional,
  Options.withDescription("Print at most this many entries. Default: all.")
)
const keysOnly = switchOption("keys-only", "Print the keys, without their values.")

/** `lsmkv scan` */
export const scan = Command.make(
  "scan",
  { directory, range: rangeOptions, reverse, limit, keysOnly, json, encoding, recovery: readRecovery, tuning },
  (given) =>
    Effect.gen(function* () {
      const range = yield* decodeRange(given.range, given.encoding)
      const format = chooseFormat(given.json, given.encoding)
      const options = { ...range, reverse: given.reverse, limit: Option.getOrUndefined(given.limit) }
      const store = yield* openReading(given.directory, given)
      yield* given.keysOnly
        ? printLines(store.keys(options), format.renderKey, identity, writeOutput)
        : printLines(store.scan(options), format.renderEntry, (entry) => entry.key, writeOutput)
    }).pipe(Effect.scoped)
).pipe(
  Command.withDescription(
    "Print the entries of a range in key order, one per line: key, tab, value. Tabs, line ends, backslashes and control characters are escaped."
  )
)
