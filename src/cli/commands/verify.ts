import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as LsmStore from "../../LsmStore.js"
import type { Finding, Verified, VerifyEvent } from "../../Maintenance.js"
import { directory, json } from "../arguments.js"
import { DamageFound } from "../failure.js"
import { damageJson, damageText, verifiedText } from "../format/damageText.js"
import { writeOutput } from "../io/output.js"
import { makeProgress, type Progress } from "../io/progress.js"

const render = (event: Finding | Verified, asJson: boolean): string => {
  if (event._tag === "Finding") {
    const { severity } = event
    return asJson ? `${JSON.stringify({ severity, ...damageJson(event) })}\n` : `${severity}: ${damageText(event)}\n`
  }
  const { _tag, ...counts } = event
  return asJson ? `${JSON.stringify({ ok: event.errors === 0, ...counts })}\n` : verifiedText(event)
}

/** `lsmkv verify` */
export const verify = Command.make("verify", { directory, json }, (given) =>
  Effect.gen(function* () {
    let progress: Progress | undefined
    let errors = 0
    const tell = (event: VerifyEvent) =>
      Effect.gen(function* () {
        if (event._tag === "Progress") {
          progress ??= yield* makeProgress(event.total)
          return yield* progress.update(event.bytes)
        }
        if (event._tag === "Verified") errors = event.errors
        if (progress !== undefined) yield* progress.end
        yield* writeOutput(render(event, given.json))
      })
    yield* Stream.runForEach(LsmStore.verify({ directory: given.directory }), tell)
    if (errors > 0) yield* new DamageFound()
  })
).pipe(
  Command.withDescription(
    "Check the whole store without changing it: all checksums, the order of keys, the tables against the manifest, the filters and the log. Exits with code 3 if anything is damaged."
  )
)
