import { InvalidArgument, LimitExceeded, type LsmError } from "../../LsmError.js"

/**
 * An error of a Level database. `code` is one of abstract-level's, such as `LEVEL_LOCKED`; `cause` is
 * the error of the store, if there is one.
 *
 * @since 3.1.0
 * @category errors
 */
export class LevelError extends Error {
  override readonly name = "LevelError"

  constructor(
    message: string,
    readonly code: string,
    cause?: unknown
  ) {
    super(message, cause === undefined ? {} : { cause })
  }
}

const codes: Record<string, string> = {
  StoreClosed: "LEVEL_DATABASE_NOT_OPEN",
  StoreLocked: "LEVEL_LOCKED",
  StoreReadOnly: "LEVEL_READONLY",
  StorePoisoned: "LEVEL_IO_ERROR",
  StorageError: "LEVEL_IO_ERROR",
  DiskFull: "LEVEL_IO_ERROR",
  Corruption: "LEVEL_CORRUPTION",
  UnsupportedFormat: "LEVEL_NOT_SUPPORTED"
} satisfies Partial<Record<LsmError["_tag"], string>>

/** By the argument that is not valid, or the limit that is exceeded. */
const argumentCodes: Record<string, string> = {
  key: "LEVEL_INVALID_KEY",
  keyBytes: "LEVEL_INVALID_KEY",
  value: "LEVEL_INVALID_VALUE",
  valueBytes: "LEVEL_INVALID_VALUE"
}

const invalid = "LEVEL_INVALID_ARGUMENT"

/** The error of a store with the code of its kind. Anything else is returned unchanged. */
export const toLevelError = (failure: unknown): unknown => {
  if (!(failure instanceof Error) || !("_tag" in failure)) return failure
  const code =
    failure instanceof InvalidArgument
      ? (argumentCodes[failure.argument] ?? invalid)
      : failure instanceof LimitExceeded
        ? (argumentCodes[failure.limit] ?? invalid)
        : codes[String(failure._tag)]
  return code === undefined ? failure : new LevelError(failure.message, code, failure)
}

export const notOpen = (): LevelError => new LevelError("Database is not open", "LEVEL_DATABASE_NOT_OPEN")

/** The error of an iterator whose signal was aborted. It has the name by which Node's own are known. */
export const aborted = (): Error =>
  Object.assign(new LevelError("Operation has been aborted", "LEVEL_ABORTED"), { name: "AbortError" })
