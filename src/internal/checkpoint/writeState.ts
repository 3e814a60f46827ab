import * as Effect from "effect/Effect"
import { type ManifestState, ManifestWriter } from "../../core/manifest/manifestFile.js"
import { encodeFileHeader, fileHeaderSize } from "../../core/storage/fileHeader.js"
import { currentName, manifestName } from "../../core/storage/fileNames.js"
import { closeQuietly, type StorageFile } from "../../core/storage/storageDriver.js"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService, syncFile } from "../../Storage.js"
import { drawHistoryId } from "../manifest/drawIds.js"

/**
 * Writes a manifest for a copy of a store, and CURRENT, which makes it a store. The order does not
 * matter, since the directory gets its name when all of it is durable.
 */
export const writeState = (
  storage: StorageService,
  directory: string,
  storeId: Uint8Array,
  state: ManifestState
): Effect.Effect<void, FileError> =>
  Effect.flatMap(drawHistoryId, (id) => {
    const fileNumber = state.nextFileNumber
    // Another store may be written from here on.
    const whole = { ...state, nextFileNumber: fileNumber + 1, history: { id, since: 0 } }
    const manifest = writeFile(storage, `${directory}/${manifestName(fileNumber)}`, (file) => {
      new ManifestWriter(file, fileNumber, storeId, whole)
    })
    const current = writeFile(storage, `${directory}/${currentName}`, (file) =>
      file.append(encodeFileHeader({ kind: "current", fileNumber, storeId }), 0, fileHeaderSize)
    )
    return Effect.all([manifest, current], { concurrency: 2, discard: true })
  })

/** Writes a file and makes it durable. A failure may leave a part of it. */
const writeFile = (
  storage: StorageService,
  path: string,
  write: (file: StorageFile) => void
): Effect.Effect<void, FileError> =>
  Effect.acquireUseRelease(
    attempt(() => storage.driver.create(path)),
    (file) =>
      attempt(() => write(file)).pipe(Effect.zipRight(syncFile(file)), Effect.zipRight(attempt(() => file.close()))),
    (file) => Effect.sync(() => closeQuietly(file))
  )
