import { longestName } from "../../core/adapters/reservations.js"
import { encodeUtf8 } from "../../core/bytes/bytes.js"
import { InvalidArgument } from "../../LsmError.js"

/** The name of an instance that was given none. */
export const defaultName = "default"

/** Why a name of an instance is none, or undefined. */
export const nameFault = (name: unknown): InvalidArgument | undefined => {
  const bytes = typeof name === "string" ? encodeUtf8(name) : undefined
  if (bytes !== undefined && bytes.length > 0 && bytes.length <= longestName) return undefined
  return new InvalidArgument({ argument: "name", reason: `must be a string of 1 to ${longestName} bytes in UTF-8` })
}
