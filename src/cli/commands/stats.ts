import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { directory, json, readRecovery } from "../arguments.js"
import { CommandFailed } from "../failure.js"
import { statsJson, statsText } from "../format/statsText.js"
import { switchOption } from "../framework/parameters.js"
import { writeOutput } from "../io/output.js"
import { openReading } from "../openStore.js"
import { tuning } from "../tuningOptions.js"

const prometheus = switchOption("prometheus", "Print the metrics in the text format of Prometheus.")

/** `lsmkv stats` */
export const stats = Command.make("stats", { directory, json, prometheus, recovery: readRecovery, tuning }, (given) =>
  Effect.gen(function* () {
    if (given.json && given.prometheus) {
      return yield* new CommandFailed({ message: "--json and --prometheus cannot be used together" })
    }
    const store = yield* openReading(given.directory, given)
    if (given.prometheus) return yield* writeOutput(yield* store.prometheus)
    const figures = yield* store.stats
    yield* writeOutput(given.json ? statsJson(figures) : statsText(figures))
  }).pipe(Effect.scoped)
).pipe(
  Command.withDescription("Print statistics of the store: contents, memory, log, levels, and what opening it found.")
)
