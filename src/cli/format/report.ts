import * as HelpDoc from "@effect/cli/HelpDoc"
import * as ValidationError from "@effect/cli/ValidationError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { LsmError } from "../../LsmError.js"
import type { CommandFailed, DamageFound, KeyAbsent, OutputClosed } from "../failure.js"
import { plainText } from "../io/console.js"
import { writeError } from "../io/output.js"

/** The errors of a command. */
export type Failure =
  | LsmError
  | CommandFailed
  | DamageFound
  | KeyAbsent
  | OutputClosed
  | ValidationError.ValidationError

/** Prints the message of a failed command to standard error, and returns the exit code. */
export const report =
  (command: string | undefined) =>
  (cause: Cause.Cause<Failure>): Effect.Effect<number> =>
    Either.match(Cause.failureOrCause(cause), {
      onLeft: (failure) => {
        if (failure._tag === "OutputClosed") return Effect.succeed(0)
        if (failure._tag === "KeyAbsent") return Effect.succeed(1)
        if (failure._tag === "DamageFound") return Effect.succeed(3)
        return complain(
          ValidationError.isValidationError(failure)
            ? `${usageText(failure)}; see lsmkv ${command === undefined ? "" : `${command} `}--help`
            : describe(failure)
        )
      },
      onRight: (rest) => {
        if (Cause.isInterruptedOnly(rest)) return Effect.succeed(130)
        const fault = Cause.squash(rest)
        return Effect.zipRight(
          Effect.logDebug("internal error", rest),
          complain(`internal error: ${fault instanceof Error ? fault.message : String(fault)}`)
        )
      }
    })

const complain = (message: string): Effect.Effect<number> =>
  Effect.as(writeError(`lsmkv: ${message.trim().replaceAll(/\s*\n\s*/g, " ")}\n`), 2)

const usageText = (error: ValidationError.ValidationError): string =>
  plainText(HelpDoc.toAnsiText(error.error)).trim().replace(/\.$/, "")

const describe = (
  failure: Exclude<Failure, DamageFound | KeyAbsent | OutputClosed | ValidationError.ValidationError>
): string => {
  if (failure._tag === "Corruption") {
    return `corruption in ${failure.file} at byte ${failure.offset}, ${failure.region}: ${failure.reason}`
  }
  // The user typed a directory, not an argument named `directory`.
  if (failure._tag === "InvalidArgument" && failure.argument === "directory") return failure.reason
  return failure.message
}
