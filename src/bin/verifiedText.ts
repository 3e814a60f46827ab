import { formatBytes, plural } from "./units.js"
import type { Verified } from "./verifyStore.js"

/** What a verification found, for a person to read. */
export const verifiedText = (verified: Verified): string => {
  const lines = [
    `ok: ${plural(verified.entries, "entry", "entries")}, ${formatBytes(verified.keyBytes)} of keys and ${formatBytes(verified.valueBytes)} of values`,
    `read: ${plural(verified.tables, "table")}, ${formatBytes(verified.tableBytes)}; ${plural(verified.logRecords, "record")} of ${plural(verified.logSegments, "log segment")}`,
    ...verified.dropped.map(
      ({ file, offset, bytes }) => `torn end of the log dropped: ${file}, ${plural(bytes, "byte")} from byte ${offset}`
    ),
    ...verified.orphans.map((orphan) => `orphan removed: ${orphan}`)
  ]
  return lines.map((line) => `${line}\n`).join("")
}
