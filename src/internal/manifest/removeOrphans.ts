import * as Effect from "effect/Effect"
import { type KnownStore, orphansAmong } from "../../core/manifest/orphans.js"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService } from "../../Storage.js"

/**
 * Removes the orphans of a store, logs each, and returns the names of those that are gone. An orphan
 * that cannot be removed is logged and stays.
 */
export const removeOrphans = (
  storage: StorageService,
  directory: string,
  store: () => KnownStore
): Effect.Effect<ReadonlyArray<string>, FileError> =>
  Effect.gen(function* () {
    const names = yield* storage.list(directory)
    // Take the state after listing the directory: a file that the manifest has named since is not
    // an orphan.
    const orphans = yield* attempt(() => orphansAmong(storage.driver, directory, names, store()))
    const removed: Array<string> = []
    for (const name of orphans) {
      const message = yield* storage.remove(`${directory}/${name}`).pipe(
        Effect.match({
          onFailure: (error) => ["could not remove an orphan", error.message],
          onSuccess: () => {
            removed.push(name)
            return ["removed an orphan"]
          }
        })
      )
      yield* Effect.logWarning(...message).pipe(Effect.annotateLogs({ component: "Manifest", file: name }))
    }
    return removed
  })
