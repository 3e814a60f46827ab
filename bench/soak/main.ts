/**
 * Runs a mixed load for ten minutes on each store: `npm run soak -- [--minutes N] [--entries N]
 * [--stores NAME,NAME]`.
 */
import { parseArgs } from "node:util"
import { bundle } from "../lib/bundle.js"
import { figuresOf, spreadText, table } from "../lib/format.js"
import { us } from "../lib/judges.js"
import { presentPeers } from "../lib/present.js"
import { runScript, withDirectory } from "../lib/process.js"
import { report } from "../lib/report.js"
import { keepResult, keepText, resultsFolder } from "../lib/results.js"
import { spreadsOf } from "../lib/statistics.js"
import { lineChart } from "../lib/svg.js"
import { rows } from "../rows/index.js"
import type { Soak, Soaked } from "./load.js"

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    entries: { type: "string", default: "1000000" },
    stores: { type: "string" }
  }
})
const seconds = Math.ceil(Number(options.minutes) * 60)
const entries = Number(options.entries)
const { versions, absent, peers } = await presentPeers()
for (const [name, reason] of Object.entries(absent)) console.log(`left out: ${name}: ${reason}`)
const all = [us, ...peers.map(({ name }) => name)]
const stores = options.stores?.split(",").filter((name) => all.includes(name)) ?? all

const child = await bundle("soak/child.ts")
const soaked: Record<string, Soaked> = {}
for (const store of stores) {
  console.log(`${store}: ${seconds} seconds`)
  soaked[store] = await withDirectory((directory) => {
    const soak: Soak = { directory, entries, seconds }
    return runScript<Soaked>(child, [store, JSON.stringify(soak)])
  })
}

const figures = Object.fromEntries(Object.entries(soaked).map(([store, { figures }]) => [store, spreadsOf([figures])]))
const names = figuresOf(figures)
const lines = Object.entries(figures).map(([store, values]) => [
  store,
  ...names.map((name) => spreadText(values[name]))
])
console.log(table([["", ...names], ...lines]))

/** The results of a run of less than ten minutes are stored with those of quick runs. */
const quick = seconds < 600
const folder = resultsFolder(quick)
const title = `half gets, half puts of existing keys, zipfian, for ${seconds} seconds`
keepResult(folder, { row: "soak", title, entries, quick, rounds: 1, versions, absent, figures })
const chart = (title: string, y: string, series: (soaked: Soaked) => ReadonlyArray<number>) =>
  lineChart(
    title,
    Object.entries(soaked).map(([label, soaked]) => ({
      label,
      points: series(soaked).map((value, second) => [second, value] as const)
    })),
    { x: "seconds", y }
  )
keepText(
  folder,
  "soak-throughput.svg",
  chart(title, "operations per second", ({ throughput }) => throughput)
)
keepText(
  folder,
  "soak-stalls.svg",
  chart(title, "longest operation of each second, ms", ({ longest }) => longest)
)
keepText(folder, "soak-series.json", `${JSON.stringify(soaked)}\n`)
report(folder, [...Object.keys(rows), "soak"])
