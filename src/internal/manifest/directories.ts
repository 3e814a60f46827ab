import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import { holdsStore } from "../../core/manifest/storeDirectory.js"
import { type FileError, InvalidArgument } from "../../LsmError.js"
import { Storage, type StorageService } from "../../Storage.js"

/** Makes a directory and its missing parents; see `syncParents`. */
export const makeDirectories = (storage: StorageService, path: string): Effect.Effect<void, FileError> =>
  storage.makeDirectory(path).pipe(
    Effect.catchIf(
      (error) => error._tag === "StorageError" && error.code === "ENOENT" && dirname(path) !== path,
      () => Effect.zipRight(makeDirectories(storage, dirname(path)), storage.makeDirectory(path))
    )
  )

/** Codes for parents that the user may not open or that the system cannot sync. */
const unsyncable = ["EACCES", "EPERM", "EROFS", "EINVAL", "ENOTSUP", "EOPNOTSUPP"]

/**
 * Makes the directory entries of a new store's directory and of all its parents durable. This
 * store, another one, or the application may have made any of them moments ago without a sync. A
 * directory that we may not open was made by another user and is skipped.
 */
export const syncParents = (storage: StorageService, directory: string): Effect.Effect<void, FileError> => {
  const parent = dirname(directory)
  if (parent === directory) return Effect.void
  return Effect.zipRight(syncParent(storage, directory), syncParents(storage, parent))
}

/** Makes one directory entry durable: that of a file or directory in its parent. */
export const syncParent = (storage: StorageService, path: string): Effect.Effect<void, FileError> =>
  Effect.catchIf(
    storage.syncDirectory(dirname(path)),
    (error) => error._tag === "StorageError" && unsyncable.includes(error.code),
    () => Effect.void
  )

/** The names in a directory. None if it does not exist. */
export const namesIn = (directory: string): Effect.Effect<ReadonlyArray<string>, FileError, Storage> =>
  Effect.flatMap(Storage, (storage) =>
    storage.list(directory).pipe(
      Effect.catchIf(
        (error) => error._tag === "StorageError" && (error.code === "ENOENT" || error.code === "ENOTDIR"),
        () => Effect.succeed([])
      )
    )
  )

/**
 * Fails if the directory holds no store. Check this before locking, so that no lock file is left
 * there.
 */
export const expectStore = (directory: string): Effect.Effect<void, FileError | InvalidArgument, Storage> =>
  Effect.flatMap(namesIn(directory), (names) => (holdsStore(names) ? Effect.void : noStore(directory)))

export const noStore = (directory: string): InvalidArgument =>
  new InvalidArgument({ argument: "directory", reason: `there is no store in ${directory}` })
