import * as Effect from "effect/Effect"
import { asideName } from "../../core/storage/fileNames.js"
import type { FileError } from "../../LsmError.js"
import type { StorageService } from "../../Storage.js"
import { copyFile } from "../storage/copyFile.js"

/**
 * Keeps files of a store in a directory beside them, durable, before anything changes. Returns that
 * directory. Files are linked, or copied if the file system has no links. A directory that is there
 * already is left alone: an interrupted try or it may not be ours. `number` is the first number
 * tried for its name.
 */
export const keepAside = (
  storage: StorageService,
  directory: string,
  number: number,
  names: ReadonlyArray<string>
): Effect.Effect<string, FileError> =>
  Effect.gen(function* () {
    let free = number
    while (yield* storage.exists(`${directory}/${asideName(free)}`)) free++
    const aside = `${directory}/${asideName(free)}`
    yield* storage.makeDirectory(aside)
    for (const name of names) {
      const to = `${aside}/${name}`
      yield* storage
        .link(`${directory}/${name}`, to)
        .pipe(Effect.catchTag("StorageError", () => Effect.asVoid(copyFile(storage, `${directory}/${name}`, to))))
    }
    yield* storage.syncDirectory(aside)
    yield* storage.syncDirectory(directory)
    return aside
  })
