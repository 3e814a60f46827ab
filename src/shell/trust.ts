import type { FileError } from "../LsmError.js"

/**
 * Whether a failure of other work than the log's leaves the store without knowledge of what is on disk. A file whose sync failed for want of
 * room is removed, and written anew under another name. A directory has no other name: after a failed sync nobody can
 * say which of its names are on disk. Nor is it known where another store has written to the directory.
 */
export const losesTrust = (error: FileError): boolean =>
  (error._tag === "StorageError" &&
    (error.operation.startsWith("sync") || (error.operation === "lock" && error.code === "ESTALE"))) ||
  (error._tag === "DiskFull" && error.operation === "sync directory")
