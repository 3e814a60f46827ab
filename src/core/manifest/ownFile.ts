import { equalRange } from "../bytes/bytes.js"
import { isDamage } from "../storage/damage.js"
import { StorageFailure } from "../storage/failure.js"
import {
  encodeFileHeader,
  type FileKind,
  fileHeaderSize,
  magicSize,
  storeIdAt,
  storeIdSize
} from "../storage/fileHeader.js"
import { parseFileName, type StoreFile } from "../storage/fileNames.js"
import { closeQuietly, readExactly, type StorageDriver } from "../storage/storageDriver.js"

/**
 * Which files of a directory are the store's own. A name does not say so: an application may keep a `20240131.log` in the same
 * directory. A file that anything relies upon has a header with the store's id, for that was synced first.
 */
export interface Owner {
  /** Undefined if it is not known: then any store's files count. */
  readonly storeId: Uint8Array | undefined
  /** The next number that the store would give to a file, as far as its manifest says. */
  readonly nextFileNumber: number
}

/** A crash may leave files whose numbers no manifest knows: no more than a few compactions make. */
const numbersAhead = 10_000

/** Whether the store may have given a file this number. */
export const isLikelyNumber = (fileNumber: number, nextFileNumber: number): boolean =>
  fileNumber < nextFileNumber + numbersAhead

/** Whether a file has a header of the store's. @throws StorageFailure that is no damage */
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
 * The same, and also of what a crash may have left of a file whose header was not synced yet: a part of the header, or nothing, under
 * a number that the store may have given.
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
  const header = headerOf(file, found, storeId)
  if (isHeader(found, header)) return true
  let same = 0
  while (same < found.length && found[same] === header[same]) same++
  return found.subarray(same).every((byte) => byte === 0) && isLikelyNumber(file.fileNumber, nextFileNumber)
}

type NumberedFile = Extract<StoreFile, { readonly fileNumber: number }>

const numbered = (name: string): NumberedFile | undefined => {
  const file = parseFileName(name)
  return file !== undefined && "fileNumber" in file ? file : undefined
}

/** The header that a file should have. If the store's id is not known, it is whatever stands in its place. */
const headerOf = ({ kind, fileNumber }: NumberedFile, found: Uint8Array, storeId: Owner["storeId"]): Uint8Array => {
  const id = new Uint8Array(storeIdSize)
  id.set(storeId ?? found.subarray(storeIdAt, storeIdAt + storeIdSize))
  const headerKind: FileKind = kind === "temporary" ? "current" : kind
  return encodeFileHeader({ kind: headerKind, fileNumber, storeId: id })
}

/** Whether magic and store id are those of a header; the rest may be damaged. */
const isHeader = (found: Uint8Array, header: Uint8Array): boolean =>
  found.length === fileHeaderSize &&
  equalRange(found, 0, magicSize, header, 0, magicSize) &&
  equalRange(found, storeIdAt, storeIdAt + storeIdSize, header, storeIdAt, storeIdAt + storeIdSize)

/** As much of a file as a header takes, and can be read of it; undefined if no such file is there. */
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
