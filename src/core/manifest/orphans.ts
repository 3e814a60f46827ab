import { currentName, logName, manifestName, tableName } from "../storage/fileNames.js"
import type { StorageDriver } from "../storage/storageDriver.js"
import { emptyState, type ManifestState } from "./manifestFile.js"
import { isOwnFile, type Owner } from "./ownFile.js"

/** What is known of the store in a directory. */
export interface KnownStore {
  readonly state: ManifestState
  readonly storeId: Owner["storeId"]
  readonly manifestNumber: number
}

/**
 * A directory without a store. What is there of any store's making was left when the making of a store was interrupted, so it is an
 * orphan whatever its store id.
 */
export const withoutStore = (nextFileNumber: number): KnownStore => ({
  state: { ...emptyState, nextFileNumber },
  storeId: undefined,
  manifestNumber: 0
})

/**
 * The orphans among the names in a directory, in order: files of the store's own making (`ownFile.ts`) that its state does not name.
 *
 * A crash leaves them: after a file was written and before an edit named it, or after an edit replaced a file and before the file was
 * removed. Salvage leaves all files of the store that it replaced. Orphans are found when a store is opened, and removed when it
 * becomes writable. All other files that the state does not name belong to others, and stay.
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
    manifestName(manifestNumber),
    currentName
  ])
  const owner = { storeId, nextFileNumber: state.nextFileNumber }
  return names.filter((name) => !named.has(name) && isOwnFile(driver, directory, name, owner)).sort()
}
