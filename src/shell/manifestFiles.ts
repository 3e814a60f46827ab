import * as Effect from "effect/Effect"
import { encodeFileHeader, fileHeaderSize } from "../internal/fileHeader.js"
import { currentName, currentTemporaryName, manifestName } from "../internal/fileNames.js"
import { type ManifestState, ManifestWriter } from "../internal/manifestFile.js"
import { closeQuietly, createFile } from "../internal/storageDriver.js"
import type { FileError } from "../LsmError.js"
import { attempt, type StorageService, syncFile } from "../Storage.js"

/**
 * Writes a manifest with the whole state, durable under its name, then lets CURRENT point to it. Where that fails, the manifest is removed, and
 * `failed` told false; once CURRENT may point to it, it stays, and `failed` is told true.
 */
export const writeManifest = (
  storage: StorageService,
  directory: string,
  storeId: Uint8Array,
  fileNumber: number,
  state: ManifestState,
  failed: (mayBeNamed: boolean) => Effect.Effect<void> = () => Effect.void
): Effect.Effect<ManifestWriter, FileError> =>
  Effect.gen(function* () {
    const path = `${directory}/${manifestName(fileNumber)}`
    const undo = Effect.zipRight(Effect.ignore(storage.remove(path)), failed(false))
    const writer = yield* attempt(() =>
      createFile(storage.driver, path, (file) => new ManifestWriter(file, fileNumber, storeId, state))
    ).pipe(Effect.tapError(() => undo))
    const close = Effect.sync(() => closeQuietly(writer.file))
    yield* syncFile(writer.file).pipe(
      Effect.zipRight(writePointer(storage, directory, storeId, fileNumber)),
      Effect.onError(() => Effect.zipRight(close, undo))
    )
    yield* replacePointer(storage, directory).pipe(Effect.onError(() => Effect.zipRight(close, failed(true))))
    writer.markSynced()
    return writer
  })

/** Makes what CURRENT is to say durable, under a name of its own. */
const writePointer = (
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
    yield* Effect.zipRight(
      syncFile(file),
      attempt(() => file.close())
    ).pipe(Effect.ensuring(Effect.sync(() => closeQuietly(file))))
    yield* storage.syncDirectory(directory)
  })

/** The one step that turns a store into another. */
const replacePointer = (storage: StorageService, directory: string): Effect.Effect<void, FileError> =>
  Effect.zipRight(
    storage.rename(`${directory}/${currentTemporaryName}`, `${directory}/${currentName}`),
    storage.syncDirectory(directory)
  )
