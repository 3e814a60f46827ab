import { viewOf } from "../bytes/bytes.js"
import { readU32, readU48, writeU32, writeU48 } from "../bytes/encoding.js"
import { FrameType, frameHeaderSize, readFrame, sealFrame } from "../log/frame.js"
import { applyEdit, emptyState, type ManifestState, snapshotEdit } from "../manifest/manifestFile.js"
import { versionFault } from "../manifest/version.js"
import { decodeVersionEdit, encodeVersionEdit } from "../manifest/versionEdit.js"
import { CorruptionFailure } from "../storage/failure.js"
import {
  decodeFileHeader,
  encodeFileHeader,
  expectHeader,
  fileHeaderSize,
  manifestVersionWithAllKinds,
  manifestVersionWithValues,
  saltOf
} from "../storage/fileHeader.js"
import type { BackupKind } from "./backupNames.js"

/** A file of a generation. */
export interface BackupFile {
  readonly kind: BackupKind
  /** Its number in the store. */
  readonly fileNumber: number
  /** The generation that brought it into the backup. */
  readonly since: number
  /** Bytes. */
  readonly size: number
  /** CRC-32 of all of it. */
  readonly checksum: number
  /** CRC-32 of some places of it. Files that differ in it are not the same. */
  readonly sample: number
}

/** The store as one backup has it. */
export interface Generation {
  readonly number: number
  readonly storeId: Uint8Array
  /** Milliseconds since 1970. */
  readonly madeAt: number
  /** The sequence number of the newest write in it. */
  readonly sequence: number
  readonly state: ManifestState
  readonly files: ReadonlyArray<BackupFile>
}

/**
 * The list of a generation is a file header whose file number is that of the generation, and one
 * frame, as in a log. Its payload:
 *
 * ```
 *  0           6            12              16
 * +-----------+------------+---------------+--------+------------+------------+ ...
 * | made at 6 | sequence 6 | edit length 4 | edit   | file 27    | file 27    |
 * +-----------+------------+---------------+--------+------------+------------+ ...
 *
 * file: | kind 1 | file number 6 | since 6 | size 6 | checksum 4 | sample 4 |
 * ```
 *
 * The edit is the whole state, as in the first record of a manifest. A generation of a store with range
 * deletions or entries that expire has version 2. Kinds are the bytes of file
 * headers.
 */
const headSize = 16
const fileSize = 27

const kinds: Record<BackupKind, number> = { table: 0x54, values: 0x56, log: 0x4c }

export const encodeGeneration = ({ files, madeAt, number, sequence, state, storeId }: Generation): Uint8Array => {
  const { needsAllKinds } = state.version
  const edit = encodeVersionEdit(
    snapshotEdit(state),
    needsAllKinds ? manifestVersionWithAllKinds : manifestVersionWithValues
  )
  const length = headSize + edit.length + files.length * fileSize
  const bytes = new Uint8Array(fileHeaderSize + frameHeaderSize + length)
  bytes.set(encodeFileHeader({ kind: "backup", fileNumber: number, storeId }, needsAllKinds ? 2 : 1))
  let at = fileHeaderSize + frameHeaderSize
  writeU48(bytes, at, madeAt)
  writeU48(bytes, at + 6, sequence)
  writeU32(bytes, at + 12, edit.length)
  bytes.set(edit, at + headSize)
  at += headSize + edit.length
  for (const file of files) {
    bytes[at] = kinds[file.kind]
    writeU48(bytes, at + 1, file.fileNumber)
    writeU48(bytes, at + 7, file.since)
    writeU48(bytes, at + 13, file.size)
    writeU32(bytes, at + 19, file.checksum)
    writeU32(bytes, at + 23, file.sample)
    at += fileSize
  }
  sealFrame(viewOf(bytes), fileHeaderSize, length, FrameType.record, 0, saltOf(storeId), number, fileHeaderSize)
  return bytes
}

/** @throws CorruptionFailure, FormatFailure */
export const decodeGeneration = (bytes: Uint8Array, number: number, storeId: Uint8Array, path: string): Generation => {
  expectHeader(decodeFileHeader(bytes, "backup", path), number, storeId, path)
  const fail = (reason: string): never => {
    throw new CorruptionFailure(path, fileHeaderSize, "generation", reason)
  }
  const frame = readFrame(bytes, fileHeaderSize, saltOf(storeId), number)
  if (frame === undefined) return fail("checksum mismatch")
  const { payloadEnd: end, payloadStart: start } = frame
  if (end < bytes.length) return fail("bytes behind its end")
  if (start + headSize > end) return fail("malformed")
  const editStart = start + headSize
  const editEnd = editStart + readU32(bytes, start + 12)
  const edit = editEnd > end ? undefined : decodeVersionEdit(bytes, editStart, editEnd)
  if (edit === undefined || (end - editEnd) % fileSize !== 0) return fail("malformed")
  const state = applyEdit(emptyState, edit)
  const fault = versionFault(state.version)
  if (fault !== undefined) return fail(fault)
  const files: Array<BackupFile> = []
  for (let at = editEnd; at < end; at += fileSize) {
    const kind = kindOf(bytes[at]!)
    if (kind === undefined) return fail("a file of an unknown kind")
    files.push({
      kind,
      fileNumber: readU48(bytes, at + 1),
      since: readU48(bytes, at + 7),
      size: readU48(bytes, at + 13),
      checksum: readU32(bytes, at + 19),
      sample: readU32(bytes, at + 23)
    })
  }
  return { number, storeId, madeAt: readU48(bytes, start), sequence: readU48(bytes, start + 6), state, files }
}

const kindOf = (byte: number): BackupKind | undefined =>
  (Object.keys(kinds) as Array<BackupKind>).find((kind) => kinds[kind] === byte)
