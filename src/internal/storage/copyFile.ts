import * as Effect from "effect/Effect"
import { closeQuietly, type StorageFile } from "../../core/storage/storageDriver.js"
import type { FileError } from "../../LsmError.js"
import { attempt, type StorageService, syncFile } from "../../Storage.js"

/** Bytes copied before the fiber yields to the event loop. */
const copySlice = 1024 * 1024

/** Receives each piece of a file that is copied, in order. The bytes are valid during the call. */
export type OnPiece = (bytes: Uint8Array, length: number) => void

/** Copies a file under a new name and syncs the copy. The directory is not synced. */
export const copyFile = (
  storage: StorageService,
  from: string,
  to: string,
  onPiece?: OnPiece
): Effect.Effect<number, FileError> =>
  Effect.acquireUseRelease(
    attempt(() => storage.driver.openRead(from)),
    (source) => copyOpen(storage, source, Number.POSITIVE_INFINITY, to, onPiece),
    (source) => Effect.sync(() => closeQuietly(source))
  )

/**
 * The same for an open file, and at most its first `size` bytes. The file may have lost its name,
 * and may grow meanwhile. Returns how many bytes were copied.
 */
export const copyOpen = (
  storage: StorageService,
  source: StorageFile,
  size: number,
  to: string,
  onPiece: OnPiece = () => undefined
): Effect.Effect<number, FileError> =>
  Effect.acquireUseRelease(
    attempt(() => storage.driver.create(to)),
    (target) =>
      Effect.gen(function* () {
        const buffer = new Uint8Array(copySlice)
        let position = 0
        const slice = attempt(() => {
          const length = source.read(buffer, 0, Math.min(copySlice, size - position), position)
          if (length > 0) target.append(buffer, 0, length)
          onPiece(buffer, length)
          position += length
          return length > 0 && position < size
        })
        while (yield* slice) yield* storage.yieldToEventLoop
        yield* syncFile(target)
        yield* attempt(() => target.close())
        return position
      }),
    (target) => Effect.sync(() => closeQuietly(target))
  )
