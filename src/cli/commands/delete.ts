import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { directory, durability, encoding, key, recovery } from "../arguments.js"
import { openExisting } from "../openStore.js"
import { decodeArgument } from "../rangeOptions.js"
import { tuning } from "../tuningOptions.js"

/** `lsmkv delete` */
export const deleteCommand = Command.make(
  "delete",
  { directory, key, encoding, durability, recovery, tuning },
  (given) =>
    Effect.gen(function* () {
      const keyBytes = yield* decodeArgument("the key", given.key, given.encoding)
      const store = yield* openExisting(given.directory, given)
      yield* store.delete(keyBytes)
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Delete a key. Deleting an absent key is not an error."))
