import { compare } from "../bytes/bytes.js"
import { findTable } from "../table/levelCursor.js"
import { bytesWithValues, type TableMeta } from "../table/tableFormat.js"
import type { Version } from "./version.js"

const known = new WeakMap<Version, number>()

/**
 * Estimates how many bytes of tables and value files would remain if everything were compacted. The method is that
 * of RocksDB's `estimate-live-data-size`. It goes from the deepest level up, and counts each table
 * that overlaps no table counted before. Superseded versions in it are left out, if their size is
 * known.
 *
 * So a key that was overwritten counts once. New keys of an upper level that lie within the range
 * of a deeper table are not counted.
 */
export const liveBytes = (version: Version): number => {
  const before = known.get(version)
  if (before !== undefined) return before
  let bytes = 0
  /** The tables counted so far, in order. */
  let counted: Array<TableMeta> = []
  for (let level = version.deepestLevel; level > 0; level--) {
    const next: Array<TableMeta> = []
    let at = 0
    for (const table of version.levels[level]!) {
      while (at < counted.length && compare(counted[at]!.largestKey, table.smallestKey) < 0) next.push(counted[at++]!)
      if (at < counted.length && compare(counted[at]!.smallestKey, table.largestKey) <= 0) continue
      bytes += ownBytes(table)
      next.push(table)
    }
    while (at < counted.length) next.push(counted[at++]!)
    counted = next
  }
  for (const table of version.levels[0]!) {
    const at = findTable(counted, table.smallestKey, table.smallestKey.length)
    const behind = counted[at]
    if (behind !== undefined && compare(behind.smallestKey, table.largestKey) <= 0) continue
    bytes += ownBytes(table)
    counted.splice(at, 0, table)
  }
  known.set(version, bytes)
  return bytes
}

const ownBytes = (table: TableMeta): number => {
  const { rawBytes, superseded } = table
  const bytes = bytesWithValues(table)
  return superseded === undefined || rawBytes === 0 ? bytes : bytes * (1 - superseded.bytes / rawBytes)
}
