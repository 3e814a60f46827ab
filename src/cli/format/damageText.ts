import type { Damage, LostKeys, Verified } from "../../Maintenance.js"
import { plural } from "../help/units.js"
import { escapeBytes } from "./textFormat.js"

/** Damage on one line of text. */
export const damageText = ({ file, offset, bytes, region, reason, keys }: Damage): string =>
  `${file} at byte ${offset}, ${region}${bytes === undefined ? "" : ` of ${plural(bytes, "byte")}`}: ${reason}${keysText(keys)}`

const keysText = (keys: LostKeys | undefined): string => {
  if (keys?.from === undefined && keys?.to === undefined) return ""
  const from = keys.from === undefined ? "" : ` from ${escapeBytes(keys.from)}`
  const to = keys.to === undefined ? "" : ` to ${escapeBytes(keys.to)}`
  return `; keys${from}${to}`
}

/** Damage as JSON. */
export const damageJson = ({ file, offset, bytes, region, reason, keys }: Damage) => ({
  file,
  offset,
  bytes,
  region,
  reason,
  keys: keys && { from: keys.from && escapeBytes(keys.from), to: keys.to && escapeBytes(keys.to) }
})

/** The summary of a verification: the result, and what was checked. */
export const verifiedText = ({ tables, segments, entries, records, errors, notices }: Verified): string => {
  const outcome = errors === 0 ? "ok" : `damaged in ${plural(errors, "place")}`
  const checked = `${plural(entries, "entry", "entries")} in ${plural(tables, "table")}, ${plural(records, "record")} in ${plural(segments, "log segment")}`
  return `${outcome}: ${checked}${notices === 0 ? "" : `; ${plural(notices, "notice")}`}\n`
}
