import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { directory, encoding, json, key, readRecovery } from "../arguments.js"
import { CommandFailed, KeyAbsent } from "../failure.js"
import { chooseFormat } from "../format/chooseFormat.js"
import { encodeText } from "../format/encoding.js"
import { switchOption } from "../framework/parameters.js"
import { writeOutput } from "../io/output.js"
import { notText } from "../io/printLines.js"
import { openReading } from "../openStore.js"
import { decodeArgument } from "../rangeOptions.js"
import { tuning } from "../tuningOptions.js"

const raw = switchOption("raw", "Print exactly the bytes of the value, without a line end.")

/** `lsmkv get` */
export const get = Command.make(
  "get",
  { directory, key, json, raw, encoding, recovery: readRecovery, tuning },
  (given) =>
    Effect.gen(function* () {
      if (given.json && given.raw)
        return yield* new CommandFailed({ message: "--json and --raw cannot be used together" })
      const keyBytes = yield* decodeArgument("the key", given.key, given.encoding)
      const store = yield* openReading(given.directory, given)
      const found = yield* store.get(keyBytes)
      if (Option.isNone(found)) return yield* new KeyAbsent()
      const value = found.value
      if (given.raw) return yield* writeOutput(value)
      if (given.json) {
        const line = chooseFormat(true, given.encoding).renderEntry({ key: keyBytes, value })
        return yield* line === undefined ? notText(keyBytes) : writeOutput(`${line}\n`)
      }
      // A single value is not escaped, and its bytes are exact even if they are not text.
      yield* writeOutput(encodeText(given.encoding, value) ?? value)
      yield* writeOutput("\n")
    }).pipe(Effect.scoped)
).pipe(Command.withDescription("Print the value of a key. Exits with code 1 if the key is absent."))
