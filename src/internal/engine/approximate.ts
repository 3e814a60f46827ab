import { compare } from "../../core/bytes/bytes.js"
import type { KeyRange } from "../../core/cursor/visibleCursor.js"
import { bytesWithValues, type TableMeta } from "../../core/table/tableFormat.js"
import type { Engine } from "./engine.js"

/**
 * The share of a table's file in a range, from 0 to 1. Reads the index only if the range cuts the
 * table.
 */
const shareOf = (engine: Engine, table: TableMeta, { start, end }: KeyRange): number => {
  if (end !== undefined && compare(table.smallestKey, end) >= 0) return 0
  if (start !== undefined && compare(table.largestKey, start) < 0) return 0
  const startsInside = start === undefined || compare(table.smallestKey, start) >= 0
  const endsInside = end === undefined || compare(table.largestKey, end) < 0
  if (startsInside && endsInside) return 1
  const { tables } = engine.parts
  const from = startsInside ? 0 : tables.unsafeOffsetOf(table, start)
  const to = endsInside ? table.size : tables.unsafeOffsetOf(table, end)
  return Math.max(0, to - from) / table.size
}

/** About how many keys a range has, from table properties and the memtables' runs. */
export const approximateCount = (engine: Engine, range: KeyRange): number => {
  const { manifest, memtable } = engine.parts
  let count = 0
  for (const tables of manifest.unsafeVersion().levels) {
    for (const table of tables) {
      const live = Math.max(0, table.entries - table.deletions * 2)
      if (live > 0) count += live * shareOf(engine, table, range)
    }
  }
  for (const table of memtable.unsafeAll()) count += table.approximateCount(range.start, range.end)
  return Math.round(count)
}

/** About how many bytes of table files, and of values in value files, a range takes. */
export const approximateSize = (engine: Engine, range: KeyRange): number => {
  let bytes = 0
  for (const tables of engine.parts.manifest.unsafeVersion().levels) {
    for (const table of tables) bytes += bytesWithValues(table) * shareOf(engine, table, range)
  }
  return Math.round(bytes)
}
