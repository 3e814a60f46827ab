import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { directory, encoding, json, recovery } from "../arguments.js"
import { levelsText } from "../format/levelsText.js"
import { writeOutput } from "../io/output.js"
import { openExisting } from "../openStore.js"
import { decodeRange, rangeOptions } from "../rangeOptions.js"
import { tuning } from "../tuningOptions.js"

/** `lsmkv compact` */
export const compact = Command.make(
  "compact",
  { directory, range: rangeOptions, json, encoding, recovery, tuning },
  (given) =>
    Effect.gen(function* () {
      const range = yield* decodeRange(given.range, given.encoding)
      const store = yield* openExisting(given.directory, given)
      // Flush first, so that `before` includes the entries that recovery put into the memtable.
      yield* store.flush
      const before = (yield* store.stats).levels
      yield* store.compact(range)
      const after = (yield* store.stats).levels
      yield* writeOutput(
        given.json
          ? `${JSON.stringify({ before, after })}\n`
          : `before:\n${levelsText(before)}\nafter:\n${levelsText(after)}`
      )
    }).pipe(Effect.scoped)
).pipe(
  Command.withDescription("Compact a range down to the deepest level. This removes deleted and overwritten entries.")
)
