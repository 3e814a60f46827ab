import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Backup from "../../Backup.js"
import { json } from "../arguments.js"
import { backupDirectory, newDirectory } from "../backupArguments.js"
import { formatBytes, plural } from "../help/units.js"
import { writeOutput } from "../io/output.js"

const generation = Options.integer("generation").pipe(
  Options.optional,
  Options.withDescription("The number of the generation. Default: the newest.")
)

/** `lsmkv restore` */
export const restore = Command.make(
  "restore",
  { backup: backupDirectory, into: newDirectory, generation, json },
  (given) =>
    Effect.gen(function* () {
      const options = { from: given.backup, into: given.into, generation: Option.getOrUndefined(given.generation) }
      const report = yield* Backup.restore(options)
      const files = `${plural(report.files, "file")} (${formatBytes(report.bytes)})`
      yield* writeOutput(
        given.json
          ? `${JSON.stringify(report)}\n`
          : `restored generation ${report.generation} at sequence number ${report.sequence}: ${files}\n`
      )
    })
).pipe(
  Command.withDescription(
    "Make a store of a generation of a backup. Each file is checked while it is copied. The backup is not changed."
  )
)
