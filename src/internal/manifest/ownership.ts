import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { OpenError } from "../../LsmError.js"
import type { Settings } from "../../LsmOptions.js"
import { Storage } from "../../Storage.js"
import { expectStore, makeDirectories } from "./directories.js"

/**
 * Owns the store's directory until the scope ends, and makes it if it is missing. Acquire this
 * before anything else that uses the directory, so that it is released last. If a store must exist
 * and there is none, it takes no lock and makes no directory.
 */
export const ownDirectory = ({
  directory,
  createIfMissing,
  readOnly
}: Settings): Effect.Effect<void, OpenError, Storage | Scope.Scope> =>
  Effect.flatMap(Storage, (storage) => {
    const lock = storage.lock(directory, readOnly ? "read" : "write")
    const own = readOnly
      ? lock
      : Effect.catchIf(
          lock,
          (error) => error._tag === "StorageError" && error.code === "ENOENT",
          () => Effect.zipRight(makeDirectories(storage, directory), lock)
        )
    return createIfMissing && !readOnly ? own : Effect.zipRight(expectStore(directory), own)
  })
