import { currentName, logName, manifestName, tableName } from "../storage/fileNames.js"
import type { StorageDriver } from "../storage/storageDriver.js"
import { valueFileName } from "../values/valueFile.js"
import { emptyState, type ManifestState } from "./manifestFile.js"
import { isOwnFile, type Owner } from "./ownFile.js"

/** The known facts about the store in a directory. */
export interface KnownStore {
  readonly state: ManifestState
  readonly storeId: Owner["storeId"]
  readonly manifestNumber: number
}

/**
 * Describes a directory without a store. Any store file in it was left when the creation of a store
 * was interrupted. So it is an orphan, whatever its store id.
 */
export const withoutStore = (nextFileNumber: number): KnownStore => ({
  state: { ...emptyState, nextFileNumber },
  storeId: undefined,
  manifestNumber: 0
})

/**
 * Returns the orphans among the names in a directory, in order. An orphan is a file that belongs to
 * the store (see `ownFile.ts`) but that its state does not name.
 *
 * A crash leaves orphans in two ways: after a file was written but before an edit named it, and
 * after an edit replaced a file but before the file was removed. Salvage leaves all files of the
 * store that it replaced. Orphans are found when a store is opened, and removed when it becomes
 * writable. Other files that the state does not name do not belong to the store, and stay.
 *
 * @throws StorageFailure
 */
export const orphansAmong = (
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>,
  { state, storeId, manifestNumber }: KnownStore
): ReadonlyArray<string> => {
  const named = new Set<string>([
    ...state.segments.map(logName),
    ...state.version.levels.flatMap((tables) => tables.map(({ fileNumber }) => tableName(fileNumber))),
    ...[...state.version.valueFiles.values()].map(valueFileName),
    manifestName(manifestNumber),
    currentName
  ])
  const owner = { storeId, nextFileNumber: state.nextFileNumber }
  return names.filter((name) => !named.has(name) && isOwnFile(driver, directory, name, owner)).sort()
}
