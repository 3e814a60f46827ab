import { rmdir } from "node:fs/promises"
import * as Effect from "effect/Effect"
import { emptyState } from "../../core/manifest/manifestFile.js"
import { orphansAmong, withoutStore } from "../../core/manifest/orphans.js"
import { readStoreDirectory } from "../../core/manifest/storeDirectory.js"
import { currentName } from "../../core/storage/fileNames.js"
import type { OpenError } from "../../LsmError.js"
import { resolveOptions } from "../../LsmOptions.js"
import * as LsmStore from "../../LsmStore.js"
import { attempt, layer, Storage } from "../../Storage.js"
import { namesIn } from "../manifest/directories.js"
import { runPromise } from "./running.js"

/**
 * Removes the files of a store, and the directory if it is empty then. Other files stay. Without
 * CURRENT, which is removed first, the others are orphans.
 */
export const destroyStore = async (location: string): Promise<void> => {
  await runPromise(Effect.scoped(Effect.provide(removeFiles(location), layer)))
  try {
    await rmdir(location)
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY", "EEXIST", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error
  }
}

const removeFiles = (location: string) =>
  Effect.gen(function* () {
    const { directory } = yield* resolveOptions({ directory: location })
    const storage = yield* Storage
    if ((yield* namesIn(directory)).length === 0) return
    yield* storage.lock(directory)
    const names = yield* storage.list(directory)
    const files = yield* attempt(() => {
      const store = readStoreDirectory(storage.driver, directory, names)
      if (store === undefined)
        return orphansAmong(storage.driver, directory, names, withoutStore(emptyState.nextFileNumber))
      const { nextFileNumber } = store.state
      const all = { ...store, state: { ...emptyState, nextFileNumber }, manifestNumber: 0 }
      return [currentName, ...orphansAmong(storage.driver, directory, names, all)]
    })
    for (const name of files) yield* storage.remove(`${directory}/${name}`)
  })

/** Opens a store with salvage, which merges its sound data into new tables if anything is damaged. */
export const repairInPlace = (location: string): Promise<void> => {
  const salvaged: Effect.Effect<unknown, OpenError> = Effect.scoped(
    LsmStore.make({ directory: location, createIfMissing: false, recovery: "salvage" })
  )
  return runPromise(Effect.asVoid(salvaged))
}
