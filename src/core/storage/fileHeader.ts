import { checksum } from "../bytes/checksum.js"
import { maxU48, readU32, readU48, writeU32, writeU48 } from "../bytes/encoding.js"
import { CorruptionFailure, FormatFailure } from "./failure.js"

/**
 * Every file begins with these 32 bytes.
 *
 * ```
 *  0        7 8         12              18            26  28      32
 * +----------+-----------+---------------+-------------+---+-------+
 * | magic 7  | version 4 | file number 6 | store id 8  | 0 | crc 4 |
 * | + kind 1 |           |               |             |   |       |
 * +----------+-----------+---------------+-------------+---+-------+
 * ```
 *
 * The magic is "effLSM" and a byte above 0x7f, so that no text file begins with it. The store id is
 * drawn at random when a store is created, so a file of another store is rejected even if its
 * number matches. The checksum covers the 28 bytes before it. Magic, version and checksum have the
 * same places in every format version.
 */
export const fileHeaderSize = 32

export type FileKind = "current" | "manifest" | "log" | "table" | "values" | "backup"

/** The newest format version of each kind. Files of all versions up to it can be read. */
export const formatVersions: Readonly<Record<FileKind, number>> = {
  current: 1,
  manifest: 3,
  log: 2,
  table: 5,
  values: 1,
  backup: 2
}

/** The version of files that need no newer one. */
export const formatVersion = 1
/** The version of a log, whose records may have range deletions and values that expire. */
export const logVersion = 2
/** The version of a manifest that names value files. */
export const manifestVersionWithValues = 2
/**
 * The version of a manifest whose tables have range deletions or entries that expire. It may name value
 * files too.
 */
export const manifestVersionWithAllKinds = 3

const kindBytes: Record<FileKind, number> = {
  current: 0x43,
  manifest: 0x4d,
  log: 0x4c,
  table: 0x54,
  values: 0x56,
  backup: 0x42
}
const newest = Math.max(...Object.values(formatVersions))
const magic = Uint8Array.of(0x65, 0x66, 0x66, 0x4c, 0x53, 0x4d, 0x9a)
export const magicSize = magic.length
export const storeIdAt = 18
export const storeIdSize = 8

export interface FileHeader {
  readonly kind: FileKind
  readonly version: number
  readonly fileNumber: number
  readonly storeId: Uint8Array
}

/** Returns the header of a new file, by default of version 1. */
export const encodeFileHeader = (header: Omit<FileHeader, "version">, version = formatVersion): Uint8Array => {
  const bytes = new Uint8Array(fileHeaderSize)
  bytes.set(magic)
  bytes[7] = kindBytes[header.kind]
  writeU32(bytes, 8, version)
  writeU48(bytes, 12, header.fileNumber)
  bytes.set(header.storeId, storeIdAt)
  writeU32(bytes, 28, checksum(bytes, 0, 28, 0))
  return bytes
}

/** @throws CorruptionFailure, FormatFailure */
export const decodeFileHeader = (bytes: Uint8Array, kind: FileKind, file: string): FileHeader => {
  const fail = (reason: string): never => {
    throw new CorruptionFailure(file, 0, "file header", reason)
  }
  if (bytes.length < fileHeaderSize) return fail(`${bytes.length} bytes, shorter than a header of ${fileHeaderSize}`)
  for (let i = 0; i < magic.length; i++) if (bytes[i] !== magic[i]) return fail("not a file of this library")
  if (readU32(bytes, 28) !== checksum(bytes, 0, 28, 0)) return fail("checksum mismatch")
  const version = readU32(bytes, 8)
  const isKind = bytes[7] === kindBytes[kind]
  if (version < 1 || version > (isKind ? formatVersions[kind] : newest)) throw new FormatFailure(file, version)
  if (!isKind) return fail(`not a ${kind} file`)
  return { kind, version, fileNumber: readU48(bytes, 12), storeId: bytes.slice(storeIdAt, storeIdAt + storeIdSize) }
}

/** Checks that a header has the file's number and the store's id. @throws CorruptionFailure */
export const expectHeader = (header: FileHeader, fileNumber: number, storeId: Uint8Array, file: string): void => {
  if (header.fileNumber !== fileNumber) {
    throw new CorruptionFailure(
      file,
      12,
      "file header",
      `the header says file ${header.fileNumber}, the name ${fileNumber}`
    )
  }
  for (let i = 0; i < 8; i++) {
    if (header.storeId[i] !== storeId[i]) {
      throw new CorruptionFailure(file, 18, "file header", "the file belongs to another store")
    }
  }
}

/** The salt for the checksums of a store's files, derived from the store's id. */
export const saltOf = (storeId: Uint8Array): number => checksum(storeId, 0, storeId.length, 0)

export const isFileNumber = (n: number): boolean => Number.isInteger(n) && n > 0 && n <= maxU48
