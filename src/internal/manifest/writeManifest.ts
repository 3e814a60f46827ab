import * as Effect from "effect/Effect"
import { type ManifestState, ManifestWriter } from "../../core/manifest/manifestFile.js"
import { encodeFileHeader, fileHeaderSize } from "../../core/storage/fileHeader.js"
import { currentName, manifestName, temporaryName } from "../../core/storage/fileNames.js"
import { closeQuietly } from "../../core/storage/storageDriver.js"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService, syncFile } from "../../Storage.js"

/**
 * Writes a manifest with the whole state, durable under its name, then points CURRENT to it. If
 * that fails, the manifest is removed and `failed` is called with false. But once CURRENT may point
 * to it, it stays, and `failed` is called with true.
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
    // If this fails because the name is taken, the file is not ours and stays.
    const file = yield* attempt(() => storage.driver.create(path)).pipe(Effect.tapError(() => failed(false)))
    const close = Effect.sync(() => closeQuietly(file))
    const undo = Effect.zipRight(Effect.ignore(storage.remove(path)), failed(false))
    const writer = yield* attempt(() => new ManifestWriter(file, fileNumber, storeId, state)).pipe(
      Effect.onError(() => Effect.zipRight(close, undo))
    )
    yield* syncFile(file).pipe(
      Effect.zipRight(writePointer(storage, directory, storeId, fileNumber)),
      Effect.onError(() => Effect.zipRight(close, undo))
    )
    yield* replacePointer(storage, directory, fileNumber).pipe(
      Effect.onError(() => Effect.zipRight(close, failed(true)))
    )
    writer.markSynced()
    return writer
  })

/** Writes the next CURRENT under a temporary name and makes it durable. */
const writePointer = (
  storage: StorageService,
  directory: string,
  storeId: Uint8Array,
  fileNumber: number
): Effect.Effect<void, FileError> =>
  Effect.gen(function* () {
    const temporary = `${directory}/${temporaryName(fileNumber)}`
    const header = encodeFileHeader({ kind: "current", fileNumber, storeId })
    const file = yield* attempt(() => storage.driver.create(temporary))
    yield* attempt(() => file.append(header, 0, fileHeaderSize)).pipe(
      Effect.zipRight(syncFile(file)),
      Effect.zipRight(attempt(() => file.close())),
      Effect.zipRight(storage.syncDirectory(directory)),
      Effect.onError(() =>
        Effect.zipRight(
          Effect.sync(() => closeQuietly(file)),
          Effect.ignore(storage.remove(temporary))
        )
      )
    )
  })

/** The one step that switches from the old state to the new one. */
const replacePointer = (
  storage: StorageService,
  directory: string,
  fileNumber: number
): Effect.Effect<void, FileError> =>
  Effect.zipRight(
    storage.rename(`${directory}/${temporaryName(fileNumber)}`, `${directory}/${currentName}`),
    storage.syncDirectory(directory)
  )
