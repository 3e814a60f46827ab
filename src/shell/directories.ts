import * as Effect from "effect/Effect"
import { holdsStore } from "../internal/storeDirectory.js"
import { type FileError, InvalidArgument } from "../LsmError.js"
import { Storage } from "../Storage.js"

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
