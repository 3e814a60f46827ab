import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { generationOf, isBackupName, markerName, nameInBackup } from "../../core/backup/backupNames.js"
import { decodeGeneration, type Generation } from "../../core/backup/generationFile.js"
import { isLockName } from "../../core/lock/lockNames.js"
import { readWhole } from "../../core/manifest/storeDirectory.js"
import { decodeFileHeader } from "../../core/storage/fileHeader.js"
import { type FileError, InvalidArgument, type StoreLocked } from "../../LsmError.js"
import { attempt, Storage, type StorageService } from "../../Storage.js"
import { namesIn } from "../manifest/directories.js"

/** The content of a backup's directory. */
export interface BackupDirectory {
  readonly directory: string
  readonly storeId: Uint8Array
  /** In order of age, the oldest first. */
  readonly generations: ReadonlyArray<Generation>
}

/** Reads which store a backup is of. Undefined if the directory has no mark of a backup. */
export const readMarker = (
  storage: StorageService,
  directory: string,
  names: ReadonlyArray<string>
): Effect.Effect<Uint8Array | undefined, FileError> =>
  attempt(() => {
    if (!names.includes(markerName)) return undefined
    const path = `${directory}/${markerName}`
    return decodeFileHeader(readWhole(storage.driver, path), "backup", path).storeId
  })

/** Reads the lists of all generations, or fails if one is damaged. */
export const readGenerations = (
  storage: StorageService,
  directory: string,
  names: ReadonlyArray<string>,
  storeId: Uint8Array
): Effect.Effect<ReadonlyArray<Generation>, FileError> =>
  Effect.map(
    Effect.forEach(listsOf(names), (name) => readGeneration(storage, directory, name, storeId)),
    (generations) => generations.sort((a, b) => a.number - b.number)
  )

/** The names of the lists of generations. */
export const listsOf = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.filter((name) => generationOf(name) !== undefined)

/** Reads one list. */
export const readGeneration = (
  storage: StorageService,
  directory: string,
  name: string,
  storeId: Uint8Array
): Effect.Effect<Generation, FileError> =>
  attempt(() => {
    const path = `${directory}/${name}`
    return decodeGeneration(readWhole(storage.driver, path), generationOf(name)!, storeId, path)
  })

/** Owns a backup that exists, for reading, until the scope ends. Returns its names too. */
export const openBackup = (
  directory: string
): Effect.Effect<
  { readonly names: ReadonlyArray<string>; readonly storeId: Uint8Array },
  FileError | InvalidArgument | StoreLocked,
  Storage | Scope.Scope
> =>
  Effect.gen(function* () {
    const storage = yield* Storage
    const names = yield* namesIn(directory)
    // Before the lock, so that nothing is left in a directory that is no backup.
    if (!names.includes(markerName)) return yield* noBackup(directory)
    yield* storage.lock(directory, "read")
    const storeId = yield* readMarker(storage, directory, names)
    if (storeId === undefined) return yield* noBackup(directory)
    return { names: (yield* storage.list(directory)).filter((name) => !isLockName(name)), storeId }
  })

export const noBackup = (directory: string): InvalidArgument =>
  new InvalidArgument({ argument: "from", reason: `there is no backup in ${directory}` })

/** The names that these generations need. */
export const namesOf = (generations: ReadonlyArray<Generation>): ReadonlySet<string> =>
  new Set(
    generations.flatMap(({ files }) =>
      files.map(({ fileNumber, kind, since }) => nameInBackup(kind, fileNumber, since))
    )
  )

/**
 * Removes files of the backup that no generation needs: those of generations that were removed, and
 * those that an interrupted backup left. The lists of the other generations must be gone for good.
 */
export const removeUnneeded = (
  storage: StorageService,
  directory: string,
  generations: ReadonlyArray<Generation>
): Effect.Effect<void, FileError> =>
  Effect.gen(function* () {
    const needed = namesOf(generations)
    for (const name of yield* storage.list(directory)) {
      if (!isBackupName(name) || needed.has(name) || generationOf(name) !== undefined) continue
      yield* storage.remove(`${directory}/${name}`)
    }
  })
