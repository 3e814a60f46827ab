/**
 * Compares `LsmLevel` with classic-level through the interface that both have: `npm run level --
 * [--entries N] [--rounds N] [--row TEXT]`. Each has the defaults of its package.
 */
import { parseArgs } from "node:util"
import { bundle } from "../lib/bundle.js"
import { number, spreadText, table } from "../lib/format.js"
import { us } from "../lib/judges.js"
import { runScript, withDirectory } from "../lib/process.js"
import { spreadsOf } from "../lib/statistics.js"
import { leveldb } from "../peers/leveldb.js"
import type { Rates } from "./loops.js"

const { values: options } = parseArgs({
  options: {
    entries: { type: "string", default: "200000" },
    rounds: { type: "string", default: "3" },
    row: { type: "string", default: "" }
  }
})

const child = await bundle("level/child.ts")
const names = [us, leveldb.name]
const runs: Record<string, Array<Rates>> = Object.fromEntries(names.map((name) => [name, []]))
for (let round = 0; round < Number(options.rounds); round++) {
  for (const name of names) {
    const rates = await withDirectory((directory) =>
      runScript<Rates>(child, [name, directory, options.entries, options.row])
    )
    runs[name]!.push(rates)
  }
}

const [ours, theirs] = names.map((name) => spreadsOf(runs[name]!))
const lines = Object.keys(ours!).map((row) => [
  row,
  spreadText(ours![row]),
  spreadText(theirs![row]),
  number(ours![row]!.median / theirs![row]!.median)
])
console.log(table([["entries/s", ...names, "ratio"], ...lines]))
