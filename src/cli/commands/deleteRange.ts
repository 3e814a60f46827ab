import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { directory, durability, encoding, recovery } from "../arguments.js"
import { CommandFailed } from "../failure.js"
import { switchOption } from "../framework/parameters.js"
import { openExisting } from "../openStore.js"
import { decodeRange, rangeOptions } from "../rangeOptions.js"
import { tuning } from "../tuningOptions.js"

const all = switchOption("all", "Delete all keys.")

/** `lsmkv delete-range` */
export const deleteRange = Command.make(
  "delete-range",
  { directory, range: rangeOptions, all, encoding, durability, recovery, tuning },
  (given) =>
    Effect.gen(function* () {
      // An empty text bounds nothing: it may come from a variable that is not set.
      const isBounded = Object.values(given.range).some((text) => Option.isSome(text) && text.value !== "")
      if (isBounded === given.all) {
        const message = "give either --all, or at least one of --start, --end and --prefix"
        return yield* Effect.fail(new CommandFailed({ message }))
      }
      const range = yield* decodeRange(given.range, given.encoding)
      const store = yield* openExisting(given.directory, given)
      yield* store.deleteRange(range)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Delete all keys in a range. The cost does not depend on how many there are."))
