import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Backup from "../../Backup.js"
import { json } from "../arguments.js"
import { backupDirectory } from "../backupArguments.js"
import { DamageFound } from "../failure.js"
import { switchOption } from "../framework/parameters.js"
import { formatBytes, plural } from "../help/units.js"
import { writeOutput } from "../io/output.js"
import { makeProgress, type Progress } from "../io/progress.js"

const verify = switchOption("verify", "Read all files and compare their checksums.")

const infoText = ({ bytes, files, generation, madeAt, sequence }: Backup.GenerationInfo): string =>
  `generation ${generation}, ${madeAt.toISOString()}, sequence number ${sequence}: ${plural(files, "file")} (${formatBytes(bytes)})\n`

const eventText = (event: Backup.BackupFinding | Backup.BackupVerified): string => {
  if (event._tag === "Verified") {
    const count = `${plural(event.files, "file")} of ${plural(event.generations.length, "generation")}`
    return `${event.errors === 0 ? "ok" : plural(event.errors, "error")}: ${count} (${formatBytes(event.bytes)})\n`
  }
  const users =
    event.generations.length === 0 ? "" : `, of ${event.generations.map((n) => `generation ${n}`).join(", ")}`
  return `error: ${event.file} at byte ${event.offset}, ${event.region}: ${event.reason}${users}\n`
}

const listAll = (directory: string, asJson: boolean) =>
  Effect.flatMap(Backup.list(directory), (all) =>
    writeOutput(all.map((info) => (asJson ? `${JSON.stringify(info)}\n` : infoText(info))).join(""))
  )

const verifyAll = (directory: string, asJson: boolean) =>
  Effect.gen(function* () {
    let progress: Progress | undefined
    let errors = 0
    const tell = (event: Backup.BackupVerifyEvent) =>
      Effect.gen(function* () {
        if (event._tag === "Progress") {
          progress ??= yield* makeProgress(event.total)
          return yield* progress.update(event.bytes)
        }
        if (event._tag === "Verified") errors = event.errors
        if (progress !== undefined) yield* progress.end
        const { _tag, ...report } = event
        yield* writeOutput(asJson ? `${JSON.stringify(report)}\n` : eventText(event))
      })
    yield* Stream.runForEach(Backup.verify(directory), tell)
    if (errors > 0) yield* new DamageFound()
  })

/** `lsmkv backups` */
export const backups = Command.make("backups", { backup: backupDirectory, verify, json }, (given) =>
  given.verify ? verifyAll(given.backup, given.json) : listAll(given.backup, given.json)
).pipe(
  Command.withDescription(
    "Print the generations of a backup, the oldest first. With --verify, check all its files instead, and exit with code 3 if anything is damaged."
  )
)
