import * as Args from "@effect/cli/Args"
import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { directory, durability, encoding, key, recovery } from "../arguments.js"
import { CommandFailed } from "../failure.js"
import type { Encoding } from "../format/encoding.js"
import { textArgument } from "../framework/parameters.js"
import { readAll, standardInput } from "../io/input.js"
import { StandardStreams } from "../io/standardStreams.js"
import { openOrCreate } from "../openStore.js"
import { decodeArgument } from "../rangeOptions.js"
import { tuning } from "../tuningOptions.js"

const value = textArgument("value", "The value. Default: the contents of standard input.").pipe(Args.optional)

/** `lsmkv put` */
export const put = Command.make("put", { directory, key, value, encoding, durability, recovery, tuning }, (given) =>
  Effect.gen(function* () {
    const keyBytes = yield* decodeArgument("the key", given.key, given.encoding)
    const valueBytes = yield* Option.match(given.value, {
      onNone: () => valueFromInput(given.encoding),
      onSome: (text) => decodeArgument("the value", text, given.encoding)
    })
    const store = yield* openOrCreate(given.directory, given)
    yield* store.put(keyBytes, valueBytes)
  }).pipe(Effect.scoped)
).pipe(Command.withDescription("Set the value of a key. Creates the store if there is none."))

/**
 * Reads the value from standard input. utf8 takes all bytes unchanged. Other encodings ignore
 * surrounding white space.
 */
const valueFromInput = (encoding: Encoding): Effect.Effect<Uint8Array, CommandFailed> =>
  Effect.gen(function* () {
    if ((yield* StandardStreams).stdin.isTTY)
      return yield* new CommandFailed({ message: "no value: pass one as an argument, or pipe it to standard input" })
    const bytes = yield* readAll(yield* standardInput, maxValueText)
    if (encoding === "utf8") return bytes
    const text = Buffer.from(bytes).toString("latin1").trim()
    return yield* decodeArgument("the value", text, encoding)
  })

/** The longest value of a store is 256 MiB, which is twice as long in hexadecimal. */
const maxValueText = 512 * 1024 * 1024
