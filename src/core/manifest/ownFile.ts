import { equalRange } from "../bytes/bytes.js"
import { isDamage } from "../storage/damage.js"
import { StorageFailure } from "../storage/failure.js"
import {
  encodeFileHeader,
  type FileKind,
  fileHeaderSize,
  magicSize,
  manifestVersionWithoutValues,
  storeIdAt,
  storeIdSize
} from "../storage/fileHeader.js"
import { parseFileName, type StoreFile } from "../storage/fileNames.js"
import { closeQuietly, readExactly, type StorageDriver } from "../storage/storageDriver.js"

/**
 * Decides which files of a directory belong to the store. The name is not enough: an application
 * may keep a `20240131.log` in the same directory. Every file that the store relies on has a header
 * with its store id, because the header is synced first.
 */
export interface Owner {
  /** Undefined if it is not known. Then the files of any store count. */
  readonly storeId: Uint8Array | undefined
  /** The next file number, according to the manifest. */
  readonly nextFileNumber: number
}

/**
 * A crash may leave files with numbers that no manifest records. They are no more than a few
 * compactions write.
 */
const numbersAhead = 10_000

/** Whether the store may have assigned this file number. */
export const isLikelyNumber = (fileNumber: number, nextFileNumber: number): boolean =>
  fileNumber < nextFileNumber + numbersAhead

/**
 * Whether a file has a header of the store.
 *
 * @throws StorageFailure that is not damage
 */
export const hasOwnHeader = (
  driver: StorageDriver,
  directory: string,
  name: string,
  storeId: Owner["storeId"]
): boolean => {
  const file = numbered(name)
  if (file === undefined) return false
  const found = beginningOf(driver, `${directory}/${name}`)
  return found !== undefined && isHeader(found, headerOf(file, found, storeId))
}

/**
 * Whether a file belongs to the store. That is so if it has a header of the store, or is what a
 * crash may leave of a file before its header is synced: a prefix of the header, followed by zeros
 * or nothing, under a number that the store may have assigned.
 *
 * @throws StorageFailure that is not damage
 */
export const isOwnFile = (
  driver: StorageDriver,
  directory: string,
  name: string,
  { storeId, nextFileNumber }: Owner
): boolean => {
  const file = numbered(name)
  if (file === undefined) return false
  const found = beginningOf(driver, `${directory}/${name}`)
  if (found === undefined) return false
  if (isHeader(found, headerOf(file, found, storeId))) return true
  const isCutShort = [undefined, manifestVersionWithoutValues].some((version) => {
    const header = headerOf(file, found, storeId, version)
    let same = 0
    while (same < found.length && found[same] === header[same]) same++
    return found.subarray(same).every((byte) => byte === 0)
  })
  return isCutShort && isLikelyNumber(file.fileNumber, nextFileNumber)
}

type NumberedFile = Extract<StoreFile, { readonly fileNumber: number }>

const numbered = (name: string): NumberedFile | undefined => {
  const file = parseFileName(name)
  return file !== undefined && "fileNumber" in file ? file : undefined
}

/**
 * Returns the header that a file should have. If the store id is not known, takes the one in the
 * file.
 */
const headerOf = (
  { kind, fileNumber }: NumberedFile,
  found: Uint8Array,
  storeId: Owner["storeId"],
  version?: number
): Uint8Array => {
  const id = new Uint8Array(storeIdSize)
  id.set(storeId ?? found.subarray(storeIdAt, storeIdAt + storeIdSize))
  const headerKind: FileKind = kind === "temporary" ? "current" : kind
  return encodeFileHeader({ kind: headerKind, fileNumber, storeId: id }, version)
}

/** Whether the magic and the store id match. The rest of the header may be damaged. */
const isHeader = (found: Uint8Array, header: Uint8Array): boolean =>
  found.length === fileHeaderSize &&
  equalRange(found, 0, magicSize, header, 0, magicSize) &&
  equalRange(found, storeIdAt, storeIdAt + storeIdSize, header, storeIdAt, storeIdAt + storeIdSize)

/**
 * Reads the start of a file, up to the size of a header. Returns undefined if there is no such file
 * or it is not readable by this user, and no bytes if the file is damaged.
 */
const beginningOf = (driver: StorageDriver, path: string): Uint8Array | undefined => {
  try {
    const file = driver.openRead(path)
    try {
      return readExactly(file, 0, fileHeaderSize)
    } finally {
      closeQuietly(file)
    }
  } catch (failure) {
    const code = failure instanceof StorageFailure ? failure.code : undefined
    if (code === "ENOENT" || code === "EISDIR" || code === "EACCES") return undefined
    if (isDamage(failure)) return new Uint8Array(0)
    throw failure
  }
}
