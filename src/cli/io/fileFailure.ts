import type { PlatformError } from "@effect/platform/Error"
import { CommandFailed } from "../failure.js"

/** An error with the operating system's message about a file, without the names of functions. */
export const fileFailure =
  (path: string) =>
  (error: PlatformError): CommandFailed => {
    const cause = error.cause instanceof Error ? error.cause.message : ""
    const reason = /^[A-Z0-9_]+: (.*?)(, |$)/.exec(cause)?.[1] ?? error.message
    return new CommandFailed({ message: `${path}: ${reason}` })
  }
