import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Checkpoint from "../../Checkpoint.js"
import { directory, json, readRecovery } from "../arguments.js"
import { newDirectory } from "../backupArguments.js"
import { formatBytes, plural } from "../help/units.js"
import { writeOutput } from "../io/output.js"
import { openReading } from "../openStore.js"
import { tuning } from "../tuningOptions.js"

/** `lsmkv checkpoint` */
export const checkpoint = Command.make(
  "checkpoint",
  { directory, into: newDirectory, json, recovery: readRecovery, tuning },
  (given) =>
    Effect.gen(function* () {
      const store = yield* openReading(given.directory, given)
      const report = yield* Checkpoint.make(store, { into: given.into })
      const { copied, copiedBytes, linked, sequence } = report
      const files = `${plural(linked, "file")} shared, ${plural(copied, "file")} copied (${formatBytes(copiedBytes)})`
      yield* writeOutput(
        given.json ? `${JSON.stringify(report)}\n` : `checkpoint at sequence number ${sequence}: ${files}\n`
      )
    }).pipe(Effect.scoped)
).pipe(
  Command.withDescription(
    "Make a copy of a store that shares its tables, as hard links. It is made at once and takes little space, but damage to a shared file is in both. Use backup for a copy that is safe from that."
  )
)
