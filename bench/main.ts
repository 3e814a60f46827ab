/** Measures rows: `npm start -- [--quick | --full] [--rounds N] [row names]`. */
import { parseArgs } from "node:util"
import { spreadText, table } from "./lib/format.js"
import { runScript, withDirectory } from "./lib/process.js"
import { keepResults } from "./lib/results.js"
import type { Figures, Row, Run, Spreads } from "./lib/row.js"
import { spreadsOf } from "./lib/statistics.js"
import { rows } from "./rows/index.js"

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" }
  }
})
const entries = options.full ? 1_000_000 : options.quick ? 20_000 : 200_000
const names = positionals.length > 0 ? positionals : Object.keys(rows)
const unknown = names.filter((name) => !(name in rows))
if (unknown.length > 0) throw new Error(`no row ${unknown.join(", ")}; there are ${Object.keys(rows).join(", ")}`)

/** Contenders take turns, so that a disturbance of the machine meets all of them. */
const measureRow = async (name: string, row: Row): Promise<Spreads> => {
  const contenders = Object.keys(row.contenders)
  const measured: Record<string, Array<Figures>> = Object.fromEntries(contenders.map((contender) => [contender, []]))
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const contender of contenders) {
      const figures = await withDirectory((directory) => {
        const run: Run = { entries, quick: options.quick, directory }
        return runScript<Figures>("child.ts", [name, contender, JSON.stringify(run)])
      })
      measured[contender]!.push(figures)
    }
  }
  return Object.fromEntries(Object.entries(measured).map(([contender, runs]) => [contender, spreadsOf(runs)]))
}

const printRow = (row: Row, spreads: Spreads) => {
  const figures = Object.keys(Object.values(spreads)[0]!)
  const line = ([contender, values]: [string, Spreads[string]]) => [
    contender,
    ...figures.map((f) => spreadText(values[f]!))
  ]
  console.log(`\n${row.title}`)
  console.log(table([["", ...figures], ...Object.entries(spreads).map(line)]))
  const verdict = row.judge?.((contender, figure) => spreads[contender]![figure]!.median)
  if (verdict !== undefined) console.log(`${verdict.met ? "met" : "NOT MET"}: ${verdict.text}`)
  return verdict
}

console.log(`${entries.toLocaleString("en")} entries, ${options.rounds} rounds: medians (least – most)`)
for (const name of names) {
  const row = rows[name]!
  const figures = await measureRow(name, row)
  const verdict = printRow(row, figures)
  const about = { row: name, title: row.title, entries, quick: options.quick, rounds: Number(options.rounds) }
  if (!options.quick) keepResults(name, { ...about, figures, verdict })
}
