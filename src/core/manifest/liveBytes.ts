import { compare } from "../bytes/bytes.js"
import { findTable } from "../table/levelCursor.js"
import type { TableMeta } from "../table/tableFormat.js"
import type { Version } from "./version.js"

const known = new WeakMap<Version, number>()

/**
 * About how many bytes of tables would be left if everything were compacted, after RocksDB's `estimate-live-data-size`: from the deepest level up,
 * those of each table that meets none counted before, without what they are known to hold for snapshots. What is written over in place counts once; of
 * new keys that a level above holds between those of a deeper table nothing is counted.
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

const ownBytes = ({ size, rawBytes, superseded }: TableMeta): number =>
  superseded === undefined || rawBytes === 0 ? size : size * (1 - superseded.bytes / rawBytes)
