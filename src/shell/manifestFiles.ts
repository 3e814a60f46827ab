import * as Effect from "effect/Effect"
import { encodeFileHeader, fileHeaderSize } from "../internal/fileHeader.js"
import { currentName, currentTemporaryName, manifestName } from "../internal/fileNames.js"
import { type ManifestState, ManifestWriter } from "../internal/manifestFile.js"
import { createFile } from "../internal/storageDriver.js"
import type { FileError } from "../LsmError.js"
import { attempt, type StorageService, syncFile } from "../Storage.js"

/** Writes a manifest with the whole state, durable under its name, then lets CURRENT point to it. */
export const writeManifest = (
  storage: StorageService,
  directory: string,
  storeId: Uint8Array,
  fileNumber: number,
  state: ManifestState
): Effect.Effect<ManifestWriter, FileError> =>
  Effect.gen(function* () {
    const path = `${directory}/${manifestName(fileNumber)}`
    const writer = yield* attempt(() =>
      createFile(storage.driver, path, (file) => new ManifestWriter(file, fileNumber, storeId, state))
    )
    yield* syncFile(writer.file).pipe(
      Effect.zipRight(pointTo(storage, directory, storeId, fileNumber)),
      Effect.onError(() => Effect.sync(() => writer.file.close()))
    )
    writer.markSynced()
    return writer
  })

/** The one step that turns a store into another. */
const pointTo = (
  storage: StorageService,
  directory: string,
  storeId: Uint8Array,
  fileNumber: number
): Effect.Effect<void, FileError> =>
  Effect.gen(function* () {
    const temporary = `${directory}/${currentTemporaryName}`
    if (yield* storage.exists(temporary)) yield* storage.remove(temporary)
    const header = encodeFileHeader({ kind: "current", fileNumber, storeId })
    const file = yield* attempt(() =>
      createFile(storage.driver, temporary, (created) => {
        created.append(header, 0, fileHeaderSize)
        return created
      })
    )
    yield* syncFile(file).pipe(Effect.ensuring(Effect.sync(() => file.close())))
    yield* storage.syncDirectory(directory)
    yield* storage.rename(temporary, `${directory}/${currentName}`)
    yield* storage.syncDirectory(directory)
  })
