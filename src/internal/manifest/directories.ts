import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { holdsStore } from "../../core/manifest/storeDirectory.js"
import { type FileError, InvalidArgument } from "../../LsmError.js"
import { Storage, type StorageService } from "../../Storage.js"

/** Makes a directory and those above it that are missing; see `syncParents`. */
export const makeDirectories = (storage: StorageService, path: string): Effect.Effect<void, FileError> =>
  storage.makeDirectory(path).pipe(
    Effect.catchIf(
      (error) => error._tag === "StorageError" && error.code === "ENOENT" && dirname(path) !== path,
      () => Effect.zipRight(makeDirectories(storage, dirname(path)), storage.makeDirectory(path))
    )
  )

/** Codes of directories above a store that its user may not open, or that a system cannot sync. */
const unsyncable = ["EACCES", "EPERM", "EROFS", "EINVAL", "ENOTSUP", "EOPNOTSUPP"]

/**
 * Makes the name of a new store's directory durable, and those of all above it. Any of them may have been made moments ago by this store, by another that is
 * opened at the same time, or by the application, none of which need have synced it yet. A directory that may not be opened was not
 * made by this user.
 */
export const syncParents = (storage: StorageService, directory: string): Effect.Effect<void, FileError> => {
  const parent = dirname(directory)
  if (parent === directory) return Effect.void
  return storage.syncDirectory(parent).pipe(
    Effect.catchIf(
      (error) => error._tag === "StorageError" && unsyncable.includes(error.code),
      () => Effect.void
    ),
    Effect.zipRight(syncParents(storage, parent))
  )
}

/** The names in a directory, none where it does not exist. */
export const namesIn = (directory: string): Effect.Effect<ReadonlyArray<string>, FileError, Storage> =>
  Effect.flatMap(Storage, (storage) =>
    storage.list(directory).pipe(
      Effect.catchIf(
        (error) => error._tag === "StorageError" && (error.code === "ENOENT" || error.code === "ENOTDIR"),
        () => Effect.succeed([])
      )
    )
  )

/** Nothing is left in a directory that is no store, the lock least of all. */
export const expectStore = (directory: string): Effect.Effect<void, FileError | InvalidArgument, Storage> =>
  Effect.flatMap(namesIn(directory), (names) => (holdsStore(names) ? Effect.void : noStore(directory)))

export const noStore = (directory: string): InvalidArgument =>
  new InvalidArgument({ argument: "directory", reason: `there is no store in ${directory}` })
