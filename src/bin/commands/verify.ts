import * as Command from "@effect/cli/Command"
import * as Effect from "effect/Effect"
import { directory, json } from "../arguments.js"
import { openExisting } from "../openStore.js"
import { writeOutput } from "../output.js"
import { verifiedText } from "../verifiedText.js"
import { verifyStore } from "../verifyStore.js"

/** `lsmkv verify` */
export const verify = Command.make("verify", { directory, json }, (given) =>
  Effect.gen(function* () {
    const store = yield* openExisting(given.directory)
    const verified = yield* verifyStore(store)
    yield* writeOutput(given.json ? `${JSON.stringify({ ok: true, ...verified })}\n` : verifiedText(verified))
  }).pipe(
    Effect.scoped,
    Effect.tapErrorTag("Corruption", ({ file, offset, region, reason }) =>
      given.json ? writeOutput(`${JSON.stringify({ ok: false, file, offset, region, reason })}\n`) : Effect.void
    )
  )
).pipe(Command.withDescription("Read the whole store and check it. Exit code 2 if something is damaged."))
