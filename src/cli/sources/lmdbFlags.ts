import { closeSync, openSync, readSync } from "node:fs"

/**
 * What LMDB records of a database, as `MDB_db` of its sources: 48 bytes, little-endian.
 *
 *     u32 page size or 0 | u16 flags | u16 depth | u64 branch, leaf and overflow pages | u64 entries | u64 root page
 */
export const recordBytes = 48

/** Flags of a database: of LMDB itself, and 0x100 of the package lmdb. */
export const Flags = { reverseKey: 0x02, dupSort: 0x04, integerKey: 0x08, versions: 0x100 } as const

const known = 0x80ff | Flags.versions

/** The flags in the record of a database. */
export const recordFlags = (record: Uint8Array): number => viewOf(record).getUint16(4, true)

/**
 * Whether the value of an entry of the main database is the record of a named one. The interface of the package does
 * not say so, but no other value of this length has numbers that agree like this.
 */
export const isRecord = (value: Uint8Array): boolean => {
  if (value.length !== recordBytes) return false
  const view = viewOf(value)
  const depth = view.getUint16(6, true)
  const leaves = view.getBigUint64(16, true)
  const entries = view.getBigUint64(32, true)
  const root = view.getBigUint64(40, true)
  if (view.getUint32(0, true) > 0xffff || (recordFlags(value) & ~known) !== 0 || depth > 32) return false
  return depth === 0 ? entries === 0n && leaves === 0n && root === noPage : leaves > 0n && entries > 0n && root > 1n
}

/** The name of the database that has this key; the package ends names with a zero byte, LMDB itself does not. */
export const recordName = (key: Uint8Array): string =>
  Buffer.from(key.at(-1) === 0 ? key.subarray(0, -1) : key).toString("utf8")

/** The flags of the main database, which stand in the first pages of the file. */
export const mainFlags = (file: string): number => {
  const descriptor = openSync(file, "r")
  try {
    const start = Buffer.alloc(128)
    if (readSync(descriptor, start, 0, start.length, 0) < start.length) return 0
    // The page's header has 16 bytes in the format of LMDB 0.9 and 24 in the newer one.
    const meta = [16, 24].find((offset) => start.readUInt32LE(offset) === magic)
    if (meta === undefined) return 0
    const pageBytes = start.readUInt32LE(meta + 24)
    const second = Buffer.alloc(128)
    readSync(descriptor, second, 0, second.length, pageBytes)
    return start.readUInt16LE(meta + mainFlagsAt) | second.readUInt16LE(meta + mainFlagsAt)
  } finally {
    closeSync(descriptor)
  }
}

const magic = 0xbeefc0de
const noPage = 0xffff_ffff_ffff_ffffn
/** Behind magic, version, address, map size, the record of the free list, and the page size of the main one. */
const mainFlagsAt = 4 + 4 + 8 + 8 + recordBytes + 4

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
