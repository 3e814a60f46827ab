import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { directory, encoding, json } from "../arguments.js"
import { openExisting } from "../openStore.js"
import { writeOutput } from "../output.js"
import { decodeRange, rangeOptions } from "../rangeOptions.js"

/** `lsmkv count` */
export const count = Command.make("count", { directory, range: rangeOptions, json, encoding }, (given) =>
  Effect.gen(function* () {
    const range = yield* decodeRange(given.range, given.encoding)
    const store = yield* openExisting(given.directory)
    const keys = yield* store.count(range)
    yield* writeOutput(`${given.json ? JSON.stringify({ count: keys }) : keys}\n`)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Print how many keys a range has."))
