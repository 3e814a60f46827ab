import * as Effect from "effect/Effect"
import type { BackupFile } from "../../core/backup/generationFile.js"
import { damageOf, isDamage } from "../../core/storage/damage.js"
import { closeQuietly, readInto } from "../../core/storage/storageDriver.js"
import type { FileError } from "../../LsmError.js"
import type { StorageService } from "../../Storage.js"
import { runSlicesAndClose } from "../storage/slices.js"
import { differenceFrom, RunningChecksum } from "./copyChecked.js"

/** A place of damage. */
export interface Place {
  readonly _tag: "Finding"
  readonly file: string
  readonly offset: number
  readonly region: string
  readonly reason: string
}

export const placeOf = ({ file, offset, reason, region }: Omit<Place, "_tag">): Place => ({
  _tag: "Finding",
  file,
  offset,
  region,
  reason
})

const slice = 1024 * 1024

/** Returns the first difference of a file from its entry in the list, or undefined. */
export const checkFile = (
  storage: StorageService,
  path: string,
  known: BackupFile
): Effect.Effect<Place | undefined, FileError> => {
  const steps = function* (): Generator<void, Place | undefined> {
    try {
      const file = storage.driver.openRead(path)
      try {
        const sum = new RunningChecksum()
        const buffer = new Uint8Array(slice)
        for (let read = -1; read !== 0; yield) {
          read = readInto(file, sum.size, slice, buffer)
          sum.add(buffer, read)
        }
        const failure = differenceFrom(path, sum, known)
        return failure === undefined ? undefined : placeOf(failure)
      } finally {
        closeQuietly(file)
      }
    } catch (failure) {
      if (!isDamage(failure)) throw failure
      return placeOf(damageOf(failure, 0, "file"))
    }
  }
  return Effect.suspend(() => runSlicesAndClose(storage, steps()))
}
