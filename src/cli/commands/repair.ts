import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as LsmStore from "../../LsmStore.js"
import { directory, json } from "../arguments.js"
import { DamageFound } from "../failure.js"
import { damageJson, damageText } from "../format/damageText.js"
import { textOption } from "../framework/parameters.js"
import { plural } from "../help/units.js"
import { writeOutput } from "../io/output.js"
import { decodeTuning, tuning } from "../tuningOptions.js"

const into = textOption("into", "new", "The directory of the new store. It must be empty or absent.")

/** `lsmkv repair` */
export const repair = Command.make("repair", { directory, into, json, tuning }, (given) =>
  Effect.gen(function* () {
    const options = yield* decodeTuning(given.tuning)
    const { lost, ...report } = yield* LsmStore.repair(given.directory, { ...options, into: given.into })
    const { entries, tables, records, segments } = report
    const summary = `${plural(entries, "entry", "entries")} from ${plural(tables, "table")} and ${plural(records, "record")} of ${plural(segments, "log segment")}`
    yield* writeOutput(
      given.json
        ? `${JSON.stringify({ ...report, lost: lost.map(damageJson) })}\n`
        : `${lost.map((damage) => `lost: ${damageText(damage)}\n`).join("")}repaired: ${summary}\n`
    )
    if (lost.length > 0) yield* new DamageFound()
  })
).pipe(
  Command.withDescription(
    "Copy all sound data of a damaged store to a new store. The damaged store is not changed. Exits with code 3 if data was lost."
  )
)
