import * as Effect from "effect/Effect"
import { type FileError, StorageError } from "../../LsmError.js"
import type { StorageService } from "../../Storage.js"

const findDirectory = "find directory"

/**
 * Whether a failure of other work than the log's leaves the store without knowledge of what is on disk. A file whose sync failed for want of
 * room is removed, and written anew under another name. A directory has no other name: after a failed sync nobody can
 * say which of its names are on disk. Nor is it known where another store has written to the directory, nor when it has vanished.
 */
export const isFatal = (error: FileError): boolean =>
  (error._tag === "StorageError" &&
    (error.operation.startsWith("sync") ||
      error.operation === findDirectory ||
      (error.operation === "lock" && error.code === "ESTALE"))) ||
  (error._tag === "DiskFull" && error.operation === "sync directory")

/**
 * A failure for want of a file is one of the whole directory if that has vanished: it was removed, renamed or unmounted. Then nothing that is
 * tried again can succeed, and should the directory come back, nobody can say what it holds.
 */
export const detectVanished =
  (storage: StorageService, directory: string) =>
  <A>(work: Effect.Effect<A, FileError>): Effect.Effect<A, FileError> =>
    Effect.catchAll(work, (error) => {
      if (error._tag !== "StorageError" || error.code !== "ENOENT") return Effect.fail(error)
      return Effect.flatMap(
        // If it cannot be asked for, it counts as there.
        Effect.orElseSucceed(storage.exists(directory), () => true),
        (exists) =>
          Effect.fail(
            exists
              ? error
              : new StorageError({ operation: findDirectory, path: directory, code: "ENOENT", cause: error })
          )
      )
    })
