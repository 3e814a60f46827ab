/**
 * Measures rows: `npm run bench -- [--quick | --full] [--rounds N] [--seconds N] [--stores
 * NAME,NAME] [--contenders NAME,NAME] [row names]`.
 */
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { bundle } from "./lib/bundle.js"
import { bundleFor4, judgeOn4, nameOn4, withoutEdition } from "./lib/edition4.js"
import { figuresOf, spreadText, table } from "./lib/format.js"
import { us } from "./lib/judges.js"
import { presentPeers } from "./lib/present.js"
import { runScript, withDirectory } from "./lib/process.js"
import { report } from "./lib/report.js"
import { keepResult, keptFigures, resultsFolder } from "./lib/results.js"
import type { Figures, Row, Run, Spreads, Verdict } from "./lib/row.js"
import { spreadsOf } from "./lib/statistics.js"
import { peers } from "./peers/index.js"
import { rows } from "./rows/index.js"

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    rounds: { type: "string" },
    stores: { type: "string" },
    contenders: { type: "string" },
    seconds: { type: "string" }
  }
})
const { quick, full } = options
const entries = quick ? 10_000 : 1_000_000
const limit = Number(options.seconds ?? (full ? 20 : quick ? 0.1 : 2)) * 1000
const isUsual = (name: string): boolean => {
  const { when } = rows[name]!
  return when === undefined || (full && when === "full")
}
const names = positionals.length > 0 ? positionals : Object.keys(rows).filter(isUsual)
const unknown = names.filter((name) => !(name in rows))
if (unknown.length > 0) throw new Error(`no row ${unknown.join(", ")}; the rows are ${Object.keys(rows).join(", ")}`)

const { versions, absent, peers: present } = await presentPeers()
const only = options.contenders?.split(",")
const wanted = options.stores?.split(",") ?? [us, ...peers.map(({ name }) => name)]

/** Contenders of peers that are not present are left out. */
const isMeasured = (contender: string): boolean => {
  const peer = peers.find(({ name }) => contender.startsWith(name))
  if (peer === undefined) return !contender.startsWith(us) || wanted.includes(us)
  return wanted.includes(peer.name) && present.includes(peer)
}

const child = await bundle("child.ts")
const childOf4 = await bundleFor4()

/** The contenders of a row that are measured, and the script that runs each. */
const contendersOf = (row: Row): Readonly<Record<string, string>> => {
  const measured = Object.keys(row.contenders).filter(isMeasured)
  const on4 = childOf4 === undefined ? [] : measured.filter((contender) => contender.startsWith(us))
  const scripts = [
    ...measured.map((contender) => [contender, child] as const),
    ...on4.map((contender) => [nameOn4(contender), childOf4!] as const)
  ]
  return Object.fromEntries(scripts.filter(([contender]) => only === undefined || only.includes(contender)))
}

/** The rounds of a row. A quick run needs only one. */
const roundsOf = (row: Row): number => Number(options.rounds ?? (quick ? 1 : (row.rounds ?? 3)))

/** A contender that takes longer than this for a round runs only once. */
const longRound = full ? 60_000 : 15_000

/**
 * Contenders alternate, so that a disturbance of the machine affects all of them. A quick run
 * measures two at a time. A peer whose process dies is left out of the row and named in `ended`.
 */
const measureRow = async (name: string, row: Row, shared: string, ended: Record<string, string>): Promise<Spreads> => {
  const scripts = contendersOf(row)
  const contenders = Object.keys(scripts)
  const measured: Record<string, Array<Figures>> = Object.fromEntries(contenders.map((contender) => [contender, []]))
  const long = new Set<string>()
  const turns = Array.from({ length: roundsOf(row) }, () => contenders).flat()
  const runner = async () => {
    for (let contender = turns.shift(); contender !== undefined; contender = turns.shift()) {
      if (contender in ended || long.has(contender)) continue
      try {
        const begin = performance.now()
        const figures = await withDirectory((directory) => {
          const run: Run = { entries, quick, directory: join(directory, "store"), shared, limit }
          mkdirSync(run.directory)
          return runScript<Figures>(scripts[contender!]!, [name, withoutEdition(contender!), JSON.stringify(run)])
        })
        measured[contender]!.push(figures)
        if (performance.now() - begin > longRound) long.add(contender)
      } catch (error) {
        if (!peers.some((peer) => contender!.startsWith(peer.name))) throw error
        ended[contender] = (error as Error).message
        delete measured[contender]
      }
    }
  }
  await Promise.all(Array.from({ length: quick ? 2 : 1 }, runner))
  const done = Object.entries(measured).filter(([, runs]) => runs.length > 0)
  return Object.fromEntries(done.map(([contender, runs]) => [contender, spreadsOf(runs)]))
}

const printRow = (name: string, row: Row, spreads: Spreads): ReadonlyArray<Verdict> => {
  const figures = figuresOf(spreads)
  const line = ([contender, values]: [string, Spreads[string]]) => [
    contender,
    ...figures.map((figure) => spreadText(values[figure]))
  ]
  console.log(`\n${name}: ${row.title}`)
  console.log(table([["", ...figures], ...Object.entries(spreads).map(line)]))
  const median = (contender: string, figure: string) => spreads[contender]?.[figure]?.median
  const contenders = Object.keys(spreads)
  const judges = row.judges ?? []
  const verdicts = [
    ...judges.flatMap((judge) => judge(median, contenders) ?? []),
    ...(childOf4 === undefined ? [] : judges.flatMap((judge) => judgeOn4(judge, median, contenders) ?? []))
  ]
  for (const { met, text } of verdicts) console.log(`${met ? "met" : "NOT MET"}: ${text}`)
  return verdicts
}

console.log(`${entries.toLocaleString("en")} entries: median (minimum – maximum)`)
if (quick) console.log("quick run: this shows that everything works, not how fast it is")
console.log(
  Object.entries({ node: process.version, ...versions })
    .map((pair) => pair.join(" "))
    .join(", ")
)
for (const [name, reason] of Object.entries(absent)) console.log(`left out: ${name}: ${reason}`)

/** Results without all stores are stored separately too. */
const folder = resultsFolder(quick || options.stores !== undefined)
const begin = performance.now()
await withDirectory(async (shared) => {
  for (const name of names) {
    const row = rows[name]!
    const ended: Record<string, string> = {}
    const measured = await measureRow(name, row, shared, ended)
    // A row may be measured one contender at a time.
    const figures = only === undefined ? measured : { ...keptFigures(folder, name), ...measured }
    const verdicts = printRow(name, row, figures)
    for (const [contender, reason] of Object.entries(ended)) console.log(`left out: ${contender}: ${reason}`)
    const left = { ...absent, ...ended }
    const about = { row: name, title: row.title, entries, quick, rounds: roundsOf(row), versions, absent: left }
    keepResult(folder, { ...about, figures, verdicts })
    // After each row, so that an aborted run leaves its charts too.
    report(folder, [...Object.keys(rows), "soak"])
  }
})
console.log(
  `\n${((performance.now() - begin) / 60_000).toFixed(1)} minutes; table and charts are in ${folder.pathname}`
)
