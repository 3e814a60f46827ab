import * as Effect from "effect/Effect"
import { checksum } from "../../core/bytes/checksum.js"
import { CorruptionFailure } from "../../core/storage/failure.js"
import { closeQuietly, readExactly, type StorageDriver, type StorageFile } from "../../core/storage/storageDriver.js"
import { type FileError, fromFailure } from "../../LsmError.js"
import type { StorageService } from "../../Storage.js"
import { copyFile, type OnPiece } from "../storage/copyFile.js"

/** Computes the checksum of a file piece by piece. */
export class RunningChecksum {
  value = 0
  size = 0

  readonly add: OnPiece = (bytes, length) => {
    this.value = checksum(bytes, 0, length, this.value)
    this.size += length
  }
}

const sampleSize = 4096

/**
 * A checksum of the beginning, the middle and the end of a file. Files of one number in a store are
 * equal. Those of a copy of the store, which went on by itself, differ at one of these places.
 */
export const sampleOf = (file: StorageFile, size: number): number => {
  let crc = 0
  for (const at of [0, Math.floor(size / 2), size - sampleSize]) {
    const from = Math.max(0, at)
    const bytes = readExactly(file, from, Math.min(sampleSize, size - from))
    crc = checksum(bytes, 0, bytes.length, crc)
  }
  return crc
}

/** The size and the sample of a file. @throws StorageFailure */
export const identify = (driver: StorageDriver, path: string): { readonly size: number; readonly sample: number } => {
  const file = driver.openRead(path)
  try {
    const size = file.size()
    return { size, sample: sampleOf(file, size) }
  } finally {
    closeQuietly(file)
  }
}

/** Copies a file whose size and checksum are known. Fails with `Corruption` if they differ. */
export const copyKnown = (
  storage: StorageService,
  from: string,
  to: string,
  known: { readonly size: number; readonly checksum: number }
): Effect.Effect<void, FileError> =>
  Effect.suspend(() => {
    const sum = new RunningChecksum()
    return Effect.flatMap(copyFile(storage, from, to, sum.add), () => {
      const failure = differenceFrom(from, sum, known)
      return failure === undefined ? Effect.void : Effect.fail(fromFailure(failure))
    })
  })

/** The difference between the content of a file and its entry in the list. */
export const differenceFrom = (
  path: string,
  found: RunningChecksum,
  known: { readonly size: number; readonly checksum: number }
): CorruptionFailure | undefined => {
  if (found.size !== known.size) {
    const reason = `${found.size} bytes, but the backup had ${known.size}`
    return new CorruptionFailure(path, Math.min(found.size, known.size), "file", reason)
  }
  return found.value === known.checksum ? undefined : new CorruptionFailure(path, 0, "file", "checksum mismatch")
}
