import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Backup from "../../Backup.js"
import { directory, json } from "../arguments.js"
import { textArgument } from "../framework/parameters.js"
import { formatBytes, plural } from "../help/units.js"
import { writeOutput } from "../io/output.js"
import { makeProgress, type Progress } from "../io/progress.js"

const into = textArgument("backup", "The directory of the backup. It is made if it does not exist.")
const keep = Options.integer("keep").pipe(
  Options.optional,
  Options.withDescription("Keep this many generations, the new one included, and remove older ones. Default: all.")
)

const made = ({ bytes, copiedBytes, copiedFiles, files, generation, removed, sequence }: Backup.BackupMade): string => {
  const copied = `${plural(copiedFiles, "file")} copied (${formatBytes(copiedBytes)})`
  const gone = removed.length === 0 ? "" : `, ${plural(removed.length, "generation")} removed`
  const whole = `${plural(files, "file")} (${formatBytes(bytes)})`
  return `generation ${generation} at sequence number ${sequence}: ${whole}, ${copied}${gone}\n`
}

/** `lsmkv backup` */
export const backup = Command.make("backup", { directory, into, keep, json }, (given) =>
  Effect.gen(function* () {
    let progress: Progress | undefined
    const tell = (event: Backup.BackupEvent) =>
      Effect.gen(function* () {
        if (event._tag === "Progress") {
          progress ??= yield* makeProgress(event.total)
          return yield* progress.update(event.bytes)
        }
        if (progress !== undefined) yield* progress.end
        const { _tag, ...report } = event
        yield* writeOutput(given.json ? `${JSON.stringify(report)}\n` : made(event))
      })
    const options = { from: given.directory, into: given.into, keep: Option.getOrUndefined(given.keep) }
    yield* Stream.runForEach(Backup.make(options), tell)
  })
).pipe(
  Command.withDescription(
    "Add a generation to a backup. Only files that the backup does not have are copied, and each copy is checked. The store is not changed."
  )
)
