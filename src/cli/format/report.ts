import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LsmError } from "../../LsmError.js"
import type { CommandFailed, DamageFound, KeyAbsent, OutputClosed } from "../failure.js"
import { writeError } from "../io/output.js"

/** The errors of a command. */
export type Failure = LsmError | CommandFailed | DamageFound | KeyAbsent | OutputClosed

/** Prints the message of a failed command to standard error, and returns the exit code. */
export const report = (cause: Cause.Cause<Failure>): Effect.Effect<number> => {
  const failure = Cause.failureOption(cause)
  if (Option.isSome(failure)) return reportFailure(failure.value)
  if (Cause.isInterruptedOnly(cause)) return Effect.succeed(130)
  const fault = Cause.squash(cause)
  return Effect.zipRight(
    Effect.logDebug("internal error", cause),
    complain(`internal error: ${fault instanceof Error ? fault.message : String(fault)}`)
  )
}

const reportFailure = (failure: Failure): Effect.Effect<number> => {
  if (failure._tag === "OutputClosed") return Effect.succeed(0)
  if (failure._tag === "KeyAbsent") return Effect.succeed(1)
  if (failure._tag === "DamageFound") return Effect.succeed(3)
  return complain(describe(failure))
}

const complain = (message: string): Effect.Effect<number> =>
  Effect.as(writeError(`lsmkv: ${message.trim().replaceAll(/\s*\n\s*/g, " ")}\n`), 2)

const describe = (failure: LsmError | CommandFailed): string => {
  if (failure._tag === "Corruption") {
    return `corruption in ${failure.file} at byte ${failure.offset}, ${failure.region}: ${failure.reason}`
  }
  // The user typed a directory, not an argument named `directory` or `from`.
  const isPath = failure._tag === "InvalidArgument" && ["directory", "from"].includes(failure.argument)
  if (isPath) return failure.reason
  return failure.message
}
