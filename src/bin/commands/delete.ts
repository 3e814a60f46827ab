import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { directory, durability, encoding, key } from "../arguments.js"
import { openExisting } from "../openStore.js"
import { decodeArgument } from "../rangeOptions.js"

/** `lsmkv delete` */
export const deleteCommand = Command.make("delete", { directory, key, encoding, durability }, (given) =>
  Effect.gen(function* () {
    const keyBytes = yield* decodeArgument("the key", given.key, given.encoding)
    const store = yield* openExisting(given.directory, given.durability)
    yield* store.delete(keyBytes)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Remove a key. No error if it is absent."))
