import { CorruptionFailure, StorageFailure } from "../storage/failure.js"
import { decodeFileHeader, fileHeaderSize } from "../storage/fileHeader.js"
import {
  currentName,
  logName,
  manifestName,
  parseFileName,
  type StoreFile,
  tableName,
  temporaryName
} from "../storage/fileNames.js"
import { closeQuietly, readExactly, type StorageDriver } from "../storage/storageDriver.js"
import { valueFileName } from "../values/valueFile.js"
import { type ManifestState, readManifest } from "./manifestFile.js"
import { hasOwnHeader, isLikelyNumber, isOwnFile } from "./ownFile.js"

/** A store on disk: the manifest that CURRENT names, and the state that it records. */
export interface StoreDirectory {
  readonly state: ManifestState
  readonly storeId: Uint8Array
  readonly manifestNumber: number
  /** Bytes of a torn last edit of the manifest, which never took effect. */
  readonly tornBytes: number
}

/**
 * Reads CURRENT and the manifest that it names. Returns undefined if there is no store.
 *
 * @throws CorruptionFailure, FormatFailure, StorageFailure
 */
export const readStoreDirectory = (
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>
): StoreDirectory | undefined => {
  if (!names.includes(currentName)) {
    // A new store writes its first manifest, then CURRENT, then everything else. Each is durable
    // before the next is written.
    const later = names.find((name) => {
      const file = parseFileName(name)
      const comesLater =
        file?.kind === "log" ||
        file?.kind === "table" ||
        file?.kind === "values" ||
        isLaterManifest(driver, directory, names, file)
      return comesLater && hasOwnHeader(driver, directory, name, undefined)
    })
    if (later === undefined) return undefined
    throw new CorruptionFailure(`${directory}/${currentName}`, 0, "file", `missing, but ${later} exists`)
  }
  const path = `${directory}/${currentName}`
  const header = decodeFileHeader(readWhole(driver, path), "current", path)
  if (!names.includes(manifestName(header.fileNumber))) {
    const missing = `${directory}/${manifestName(header.fileNumber)}`
    throw new CorruptionFailure(missing, 0, "file", `missing, but ${currentName} names it`)
  }
  return readManifestOf(driver, directory, names, header.fileNumber, header.storeId)
}

/**
 * Reads the store that a given manifest in a directory describes.
 *
 * @throws CorruptionFailure, FormatFailure, StorageFailure
 */
export const readManifestOf = (
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>,
  manifestNumber: number,
  storeId: Uint8Array,
  hasHeader = true
): StoreDirectory => {
  const path = `${directory}/${manifestName(manifestNumber)}`
  const { state, tornBytes } = readManifest(readWhole(driver, path), manifestNumber, storeId, path, hasHeader)
  // A segment receives records only after an edit that names it is durable. So records in a segment
  // newer than all named ones mean that an edit was lost. After the log was closed or given up, the
  // segments up to the one recorded in `closed` need no name.
  const newest = Math.max(0, state.closed?.fileNumber ?? 0, ...state.segments)
  for (const name of names) {
    const file = parseFileName(name)
    if (file?.kind !== "log" || file.fileNumber <= newest || !hasBegun(driver, `${directory}/${name}`)) continue
    if (hasOwnHeader(driver, directory, name, storeId)) {
      throw new CorruptionFailure(path, 0, "file", `edits are lost: it does not name ${name}`)
    }
  }
  // The numbers of files that a crash left behind stay in use until the files are removed.
  const owner = { storeId, nextFileNumber: state.nextFileNumber }
  const taken = names.filter((name) => {
    const file = parseFileName(name)
    if (file === undefined || !("fileNumber" in file)) return false
    return isLikelyNumber(file.fileNumber, state.nextFileNumber) || isOwnFile(driver, directory, name, owner)
  })
  const nextFileNumber = Math.max(state.nextFileNumber, highestFileNumber(taken) + 1)
  return { state: { ...state, nextFileNumber }, storeId, manifestNumber, tornBytes }
}

/** Returns the highest file number among the names of store files, or 0 if there are none. */
export const highestFileNumber = (names: ReadonlyArray<string>): number =>
  names.reduce((most, name) => {
    const file = parseFileName(name)
    return file !== undefined && "fileNumber" in file ? Math.max(most, file.fileNumber) : most
  }, 0)

/**
 * Whether a manifest is not the first of its store. The first manifest takes the lowest number
 * whose names are free of foreign files and of files that a crash cut short.
 */
const isLaterManifest = (
  driver: StorageDriver,
  directory: string,
  names: ReadonlyArray<string>,
  file: StoreFile | undefined
): boolean => {
  if (file?.kind !== "manifest") return false
  for (let number = 1; number < file.fileNumber; number++) {
    const isTaken = [manifestName(number), temporaryName(number)].some(
      (name) => names.includes(name) && !hasOwnHeader(driver, directory, name, undefined)
    )
    if (!isTaken) return true
  }
  return false
}

/** Whether a directory holds a store file other than LOCK. */
export const holdsStore = (names: ReadonlyArray<string>): boolean =>
  names.some((name) => {
    const file = parseFileName(name)
    return file !== undefined && file.kind !== "lock"
  })

/**
 * Returns the table files, the files with values and the log segments that a manifest names but
 * that do not exist.
 */
export const missingFiles = (
  state: ManifestState,
  names: ReadonlyArray<string>
): {
  readonly tables: ReadonlyArray<string>
  readonly values: ReadonlyArray<string>
  readonly segments: ReadonlyArray<string>
} => {
  const present = new Set(names)
  const tables = state.version.levels.flatMap((level) => level.map(({ fileNumber }) => tableName(fileNumber)))
  return {
    tables: tables.filter((name) => !present.has(name)),
    values: [...state.version.valueFiles.values()].map(valueFileName).filter((name) => !present.has(name)),
    segments: state.segments.map(logName).filter((name) => !present.has(name))
  }
}

export const missingFile = (directory: string, name: string, manifestNumber: number): CorruptionFailure =>
  new CorruptionFailure(`${directory}/${name}`, 0, "file", `missing, but ${manifestName(manifestNumber)} names it`)

const hasBegun = (driver: StorageDriver, path: string): boolean => sizeOf(driver, path) > fileHeaderSize

export const sizeOf = (driver: StorageDriver, path: string): number => {
  const file = driver.openRead(path)
  try {
    return file.size()
  } finally {
    closeQuietly(file)
  }
}

/** Returns the size of a file, or 0 if it does not exist. */
export const sizeIfThere = (driver: StorageDriver, path: string): number => {
  try {
    return sizeOf(driver, path)
  } catch (failure) {
    if (failure instanceof StorageFailure && failure.code === "ENOENT") return 0
    throw failure
  }
}

/**
 * Reads a whole file. A short read is an error of the system, and does not prove that the rest is
 * missing on disk.
 *
 * @throws StorageFailure
 */
export const readWhole = (driver: StorageDriver, path: string): Uint8Array => {
  const file = driver.openRead(path)
  try {
    const size = file.size()
    const bytes = readExactly(file, 0, size)
    if (bytes.length < size) throw new StorageFailure("read", path, "EIO")
    return bytes
  } finally {
    closeQuietly(file)
  }
}
