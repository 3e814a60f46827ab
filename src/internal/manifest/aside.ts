import * as Effect from "effect/Effect"
import { asideName } from "../../core/storage/fileNames.js"
import { closeQuietly } from "../../core/storage/storageDriver.js"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService, syncFile } from "../../Storage.js"

/** Bytes copied before the fiber yields to the event loop. */
const copySlice = 1024 * 1024

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
        .pipe(Effect.catchTag("StorageError", () => copy(storage, `${directory}/${name}`, to)))
    }
    yield* storage.syncDirectory(aside)
    yield* storage.syncDirectory(directory)
    return aside
  })

const copy = (storage: StorageService, from: string, to: string): Effect.Effect<void, FileError> =>
  Effect.acquireUseRelease(
    attempt(() => storage.driver.openRead(from)),
    (source) =>
      Effect.acquireUseRelease(
        attempt(() => storage.driver.create(to)),
        (target) =>
          Effect.gen(function* () {
            const buffer = new Uint8Array(copySlice)
            let position = 0
            const slice = attempt(() => {
              const length = source.read(buffer, 0, copySlice, position)
              target.append(buffer, 0, length)
              position += length
              return length > 0
            })
            while (yield* slice) yield* storage.yieldToEventLoop
            yield* syncFile(target)
            yield* attempt(() => target.close())
          }),
        (target) => Effect.sync(() => closeQuietly(target))
      ),
    (source) => Effect.sync(() => closeQuietly(source))
  )
