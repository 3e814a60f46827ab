import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { directory, encoding, json, readRecovery } from "../arguments.js"
import { writeOutput } from "../io/output.js"
import { openReading } from "../openStore.js"
import { decodeRange, rangeOptions } from "../rangeOptions.js"
import { tuning } from "../tuningOptions.js"

/** `lsmkv count` */
export const count = Command.make(
  "count",
  { directory, range: rangeOptions, json, encoding, recovery: readRecovery, tuning },
  (given) =>
    Effect.gen(function* () {
      const range = yield* decodeRange(given.range, given.encoding)
      const store = yield* openReading(given.directory, given)
      const keys = yield* store.count(range)
      yield* writeOutput(`${given.json ? JSON.stringify({ count: keys }) : keys}\n`)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Print the number of keys in a range."))
