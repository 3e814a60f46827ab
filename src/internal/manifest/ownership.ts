import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { OpenError } from "../../LsmError.js"
import type { Settings } from "../../LsmOptions.js"
import { Storage } from "../../Storage.js"
import { expectStore, makeDirectories } from "./directories.js"

/**
 * Makes this the owner of the store's directory until the scope ends; makes the directory if it is missing. To be acquired before
 * anything else that uses the directory, so that it is released last. Where a store must exist and none does, no lock is taken and no
 * directory made.
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
