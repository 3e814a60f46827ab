import { basename } from "node:path"
import * as Effect from "effect/Effect"
import { type BackupKind, nameInBackup, nameInStore } from "../../core/backup/backupNames.js"
import type { BackupFile, Generation } from "../../core/backup/generationFile.js"
import { SoundValues } from "../../core/recovery/soundValues.js"
import type { Survey } from "../../core/recovery/survey.js"
import { findingOf } from "../../core/recovery/verifyListener.js"
import { verifyTable } from "../../core/recovery/verifyTable.js"
import { type Damage, damageOf } from "../../core/storage/damage.js"
import { logName, parseFileName } from "../../core/storage/fileNames.js"
import type { StorageDriver } from "../../core/storage/storageDriver.js"
import { Corruption, type FileError } from "../../LsmError.js"
import type { StorageService } from "../../Storage.js"
import { runSlicesAndClose } from "../storage/slices.js"
import { checkFile } from "./checkFile.js"
import { checkLog } from "./checkLog.js"

/**
 * Checks the files that a backup has copied, in the backup: every block of the new tables, the values that
 * they have handles to, and the log. A file with values that is new is one that only new tables
 * have handles to. The checksums are those of the store, so damage is found that was in the store
 * already. If the copy has the bytes that were read there, the file of the store, in `from`, is the damaged one.
 */
export const checkCopies = (
  storage: StorageService,
  from: string,
  directory: string,
  generation: Generation,
  copied: ReadonlyArray<BackupFile>
): Effect.Effect<void, FileError> =>
  Effect.suspend(() => {
    const { state, storeId } = generation
    const isNew = new Set(copied.map(({ fileNumber }) => fileNumber))
    const metas = state.version.levels.flat().filter(({ fileNumber }) => isNew.has(fileNumber))
    const survey: Survey = {
      storeId,
      manifest: { state, storeId, manifestNumber: state.nextFileNumber, tornBytes: 0 },
      tables: metas.map((meta) => ({ fileNumber: meta.fileNumber, meta })),
      segments: [],
      orphans: [],
      stateNumber: 0,
      nextFileNumber: state.nextFileNumber
    }
    let damage: Damage | undefined
    const error = (found: Damage): void => {
      damage ??= found
    }
    const listener = { error, notice: () => undefined, progress: () => undefined }
    const driver = underNamesOfStore(storage.driver, directory, generation)
    const steps = function* (): Generator<void, void> {
      const values = new SoundValues(driver, directory, storeId, error)
      try {
        for (const { fileNumber, meta } of survey.tables) {
          yield* verifyTable(driver, directory, survey, fileNumber, meta, values, error, listener)
          if (damage !== undefined) return
        }
      } finally {
        values.close()
      }
      try {
        yield* checkLog(driver, (segment) => `${directory}/${logName(segment)}`, state, storeId)
      } catch (failure) {
        const finding = findingOf(failure)
        if (finding === undefined) throw failure
        error(damageOf(finding, 0, "file"))
      }
    }
    return Effect.flatMap(runSlicesAndClose(storage, steps()), () => {
      if (damage === undefined) return Effect.void
      const { offset, reason, region } = damage
      const file = fileNamed(generation, basename(damage.file))
      const blame = (path: string) => Effect.fail(new Corruption({ file: path, offset, region, reason }))
      if (file === undefined) return blame(damage.file)
      const { fileNumber, kind, since } = file
      const copy = `${directory}/${nameInBackup(kind, fileNumber, since)}`
      return Effect.flatMap(checkFile(storage, copy, file), (difference) =>
        blame(difference === undefined ? `${from}/${nameInStore(kind, fileNumber)}` : copy)
      )
    })
  })

/** A driver that finds the files of a generation under the names that they have in a store. */
const underNamesOfStore = (driver: StorageDriver, directory: string, generation: Generation): StorageDriver => ({
  create: (path) => driver.create(path),
  yieldToEventLoop: (next) => driver.yieldToEventLoop(next),
  openRead: (path) => driver.openRead(`${directory}/${realName(generation, basename(path))}`)
})

/** The file that has this name, in the store or in the backup. */
const fileNamed = ({ files }: Generation, name: string): BackupFile | undefined =>
  files.find(
    ({ fileNumber, kind, since }) =>
      nameInStore(kind, fileNumber) === name || nameInBackup(kind, fileNumber, since) === name
  )

const realName = (generation: Generation, name: string): string => {
  const file = fileNamed(generation, name)
  return file === undefined ? name : nameInBackup(file.kind, file.fileNumber, file.since)
}

/** The kind and the number of a file of the store. */
export const fileOf = (name: string): { readonly kind: BackupKind; readonly fileNumber: number } => {
  const file = parseFileName(name)
  if (file?.kind === "table" || file?.kind === "values" || file?.kind === "log") return file as never
  throw new Error(`${name} is no file of a store's data`)
}
