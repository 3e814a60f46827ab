import type { PlatformError } from "@effect/platform/Error"
import { CommandFailed } from "../failure.js"

/** What the operating system said about a file, without the names of the functions that asked it. */
export const fileFailure =
  (path: string) =>
  (error: PlatformError): CommandFailed => {
    const reason = /^[A-Z0-9_]+: (.*?)(, |$)/.exec(error.description ?? "")?.[1] ?? error.message
    return new CommandFailed({ message: `${path}: ${reason}` })
  }
