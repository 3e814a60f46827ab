import type { LevelStats } from "../../Stats.js"
import { columns } from "../help/columns.js"
import { formatBytes, formatCount } from "../help/units.js"

/** The levels that have tables, one per line. */
export const levelsText = (levels: ReadonlyArray<LevelStats>): string => {
  const filled = levels.filter((level) => level.tables > 0)
  if (filled.length === 0) return "no tables\n"
  return columns(
    [
      ["level", "tables", "size", "entries", "tombstones", "score"],
      ...filled.map((level) => [
        String(level.level),
        formatCount(level.tables),
        formatBytes(level.bytes),
        formatCount(level.entries),
        formatCount(level.deletions),
        level.score.toFixed(2)
      ])
    ],
    ["right", "right", "right", "right", "right", "right"]
  )
}
