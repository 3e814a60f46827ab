import type { Stats } from "../../Stats.js"
import { columns } from "../help/columns.js"
import { formatBytes, formatCount, formatPercent, plural } from "../help/units.js"
import { damageJson, damageText } from "./damageText.js"
import { levelsText } from "./levelsText.js"

/** The statistics of a store as JSON. */
export const statsJson = (stats: Stats): string => {
  const recovery = { ...stats.recovery, lost: stats.recovery.lost.map(damageJson) }
  return `${JSON.stringify({ ...stats, recovery })}\n`
}

/** The statistics of a store as text. */
export const statsText = (stats: Stats): string => {
  const { memory, log, recovery, valueFiles } = stats
  const rows: Array<[string, string]> = [
    ["directory", stats.directory],
    ["sequence number", formatCount(stats.sequence)],
    ["tables", `${formatCount(stats.tables)}, ${formatBytes(stats.tableBytes)}`],
    ...(valueFiles.count === 0
      ? []
      : [
          [
            "value files",
            `${formatCount(valueFiles.count)}, ${formatBytes(valueFiles.bytes)}, ${formatBytes(valueFiles.liveBytes)} in use`
          ] satisfies [string, string]
        ]),
    ["log", `${plural(log.segments, "segment")}, ${formatBytes(log.segmentBytes)} in the newest`],
    ["memtables", `${formatBytes(memory.activeMemtable)} active, ${formatBytes(memory.frozenMemtables)} frozen`],
    ["block cache", `${formatBytes(memory.blockCache)}, ${formatPercent(stats.cache.hitRate)} hits`],
    ["indexes and filters", formatBytes(memory.openTables)],
    [
      "amplification",
      `write ${stats.amplification.write.toFixed(2)}, read ${stats.amplification.read}, space ${stats.amplification.space.toFixed(2)}`
    ],
    ["recovered", `${plural(recovery.records, "record")} from ${plural(recovery.segments, "log segment")}`]
  ]
  for (const tail of recovery.dropped) {
    rows.push(["torn end dropped", `${tail.file}, ${plural(tail.bytes, "byte")} from byte ${tail.offset}`])
  }
  for (const damage of recovery.lost) rows.push(["lost to damage", damageText(damage)])
  if (recovery.aside !== undefined) rows.push(["original files kept in", recovery.aside])
  for (const orphan of recovery.orphans) rows.push(["orphan removed", orphan])
  if (stats.poisoned !== undefined) rows.push(["refuses writes", stats.poisoned])
  if (stats.backgroundError !== undefined) rows.push(["background error", stats.backgroundError])
  return `${columns(rows, ["left", "left"])}\n${levelsText(stats.levels)}`
}
