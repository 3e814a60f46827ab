import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import { directory, encoding, json, readRecovery } from "../arguments.js"
import { chooseFormat } from "../format/chooseFormat.js"
import { textOption } from "../framework/parameters.js"
import { openOutput } from "../io/output.js"
import { printLines } from "../io/printLines.js"
import { openReading } from "../openStore.js"
import { decodeRange, rangeOptions } from "../rangeOptions.js"
import { tuning } from "../tuningOptions.js"

const output = textOption("output", "file", "The file to write. Default: standard output.").pipe(Options.optional)

/** `lsmkv export` */
export const exportCommand = Command.make(
  "export",
  { directory, range: rangeOptions, output, json, encoding, recovery: readRecovery, tuning },
  (given) =>
    Effect.gen(function* () {
      const range = yield* decodeRange(given.range, given.encoding)
      const format = chooseFormat(given.json, given.encoding)
      const store = yield* openReading(given.directory, given)
      const write = yield* openOutput(given.output)
      yield* printLines(store.scan(range), format.renderEntry, (entry) => entry.key, write)
    }).pipe(Effect.scoped)
).pipe(
  Command.withDescription("Write the entries of a range as lines that import can read: key, tab, value; or JSON lines.")
)
