/** Compares memtable structures: `npm run memtable -- [--quick]`. */
import { parseArgs } from "node:util"
import { spreadText, table } from "../lib/format.js"
import { runScript } from "../lib/process.js"
import { keepText, machine, resultsFolder } from "../lib/results.js"
import type { Figures } from "../lib/row.js"
import { spreadsOf } from "../lib/statistics.js"
import { structures } from "./structures.js"

const { values: options } = parseArgs({ options: { quick: { type: "boolean", default: false } } })
const entries = options.quick ? 100_000 : 1_000_000
const rounds = options.quick ? 1 : 3
const names = Object.keys(structures)

const measured: Record<string, Array<Figures>> = Object.fromEntries(names.map((name) => [name, []]))
for (let round = 0; round < rounds; round++) {
  for (const name of names) measured[name]!.push(await runScript("memtable/child.ts", [name, String(entries)]))
}
const spreads = Object.fromEntries(names.map((name) => [name, spreadsOf(measured[name]!)]))

const figures = Object.keys(measured[names[0]!]![0]!)
console.log(
  `${entries.toLocaleString("en")} random keys of 16 bytes, values of 100 bytes, ${rounds} rounds: median (minimum – maximum)\n`
)
console.log(
  table([
    ["per entry", ...figures],
    ...names.map((name) => [name, ...figures.map((figure) => spreadText(spreads[name]![figure]!))])
  ])
)
if (!options.quick)
  keepText(
    resultsFolder(false),
    "memtable.json",
    `${JSON.stringify({ ...machine, ...{ entries, rounds, figures: spreads } }, undefined, 2)}\n`
  )
