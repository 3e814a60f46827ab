import * as Effect from "effect/Effect"
import { generationName, markerName, temporaryGenerationName } from "../../core/backup/backupNames.js"
import { encodeGeneration, type Generation } from "../../core/backup/generationFile.js"
import { encodeFileHeader } from "../../core/storage/fileHeader.js"
import { closeQuietly } from "../../core/storage/storageDriver.js"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService, syncFile } from "../../Storage.js"

/** Marks a directory as the backup of a store, durably. */
export const writeMarker = (
  storage: StorageService,
  directory: string,
  storeId: Uint8Array
): Effect.Effect<void, FileError> =>
  Effect.zipRight(
    writeFile(storage, `${directory}/${markerName}`, encodeFileHeader({ kind: "backup", fileNumber: 0, storeId })),
    storage.syncDirectory(directory)
  )

/**
 * Makes a generation durable, then removes the lists of old ones. Its files are synced already. The
 * rename is the one step that makes the generation exist: `done` runs right before it, because
 * after a failed rename the state of the disk is not known.
 */
export const writeGeneration = (
  storage: StorageService,
  directory: string,
  generation: Generation,
  removed: ReadonlyArray<number>,
  done: Effect.Effect<void>
): Effect.Effect<void, FileError> =>
  Effect.gen(function* () {
    const temporary = `${directory}/${temporaryGenerationName(generation.number)}`
    yield* writeFile(storage, temporary, encodeGeneration(generation))
    yield* storage.syncDirectory(directory)
    yield* done
    yield* storage.rename(temporary, `${directory}/${generationName(generation.number)}`)
    yield* storage.syncDirectory(directory)
    for (const number of removed) yield* storage.remove(`${directory}/${generationName(number)}`)
    if (removed.length > 0) yield* storage.syncDirectory(directory)
  }).pipe(Effect.uninterruptible)

const writeFile = (storage: StorageService, path: string, bytes: Uint8Array): Effect.Effect<void, FileError> =>
  Effect.acquireUseRelease(
    attempt(() => storage.driver.create(path)),
    (file) =>
      attempt(() => file.append(bytes, 0, bytes.length)).pipe(
        Effect.zipRight(syncFile(file)),
        Effect.zipRight(attempt(() => file.close()))
      ),
    (file) => Effect.sync(() => closeQuietly(file))
  )
