import * as Effect from "effect/Effect"
import { type FileError, StorageError } from "../../LsmError.js"
import type { StorageService } from "../../Storage.js"

const findDirectory = "find directory"

/**
 * Whether an error of background work means that we no longer know what is on disk.
 *
 * A file whose sync fails because the disk is full is removed and written again under another name.
 * A directory has no other name: after its sync fails, we cannot know which of its names are on
 * disk. The same is true after another store has written to the directory, or after it vanished.
 */
export const isFatal = (error: FileError): boolean =>
  (error._tag === "StorageError" &&
    (error.operation.startsWith("sync") ||
      error.operation === findDirectory ||
      (error.operation === "lock" && error.code === "ESTALE"))) ||
  (error._tag === "DiskFull" && error.operation === "sync directory")

/**
 * Turns "no such file" into an error of the whole directory if the directory has vanished: it was
 * removed, renamed or unmounted. Retries cannot succeed then. If the directory comes back, its
 * content is unknown.
 */
export const detectVanished =
  (storage: StorageService, directory: string) =>
  <A>(work: Effect.Effect<A, FileError>): Effect.Effect<A, FileError> =>
    Effect.catchAll(work, (error) => {
      if (error._tag !== "StorageError" || error.code !== "ENOENT") return Effect.fail(error)
      return Effect.flatMap(
        // A directory that we cannot look for counts as present.
        Effect.orElseSucceed(storage.exists(directory), () => true),
        (exists) =>
          Effect.fail(
            exists
              ? error
              : new StorageError({ operation: findDirectory, path: directory, code: "ENOENT", cause: error })
          )
      )
    })
