import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import type { Spreads, Verdict } from "./row.js"

/** The stored result of a row. */
export interface Result {
  readonly date: string
  /** The commit of this repository, with a plus sign if files differ from it. */
  readonly commit: string
  readonly node: string
  readonly platform: string
  readonly arch: string
  readonly cores: number
  readonly versions?: Readonly<Record<string, string>>
  /** Peers that were left out, and why. */
  readonly absent?: Readonly<Record<string, string>>
  readonly row: string
  readonly title: string
  readonly entries: number
  readonly quick: boolean
  readonly rounds: number
  readonly figures: Spreads
  readonly verdicts?: ReadonlyArray<Verdict>
}

/** The results of quick runs are stored separately: they show only that everything works. */
export const resultsFolder = (quick: boolean): URL =>
  new URL(quick ? "../.tmp/results/" : "../results/", import.meta.url)

export const keepText = (folder: URL, name: string, text: string): void => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL(name, folder), text)
}

const git = (...args: ReadonlyArray<string>): string =>
  spawnSync("git", args, { cwd: fileURLToPath(new URL("../..", import.meta.url)), encoding: "utf8" }).stdout ?? ""

/** The results themselves do not count as a difference. */
const commit = (): string => {
  const changed = git("status", "--porcelain", "--", ".", ":!bench/results") !== ""
  return `${git("rev-parse", "--short=10", "HEAD").trim()}${changed ? "+" : ""}`
}

/** The date, the commit and the machine of this run. */
export const machine = {
  date: new Date().toISOString(),
  commit: commit(),
  node: process.version,
  platform: process.platform,
  arch: process.arch,
  cores: availableParallelism()
}

export const keepResult = (folder: URL, result: Omit<Result, keyof typeof machine>): void =>
  keepText(folder, `${result.row}.json`, `${JSON.stringify({ ...machine, ...result }, undefined, 2)}\n`)

/** The stored figures of a row, if they are of the same commit. */
export const keptFigures = (folder: URL, row: string): Spreads => {
  const [kept] = existsSync(folder) ? keptResults(folder, [row]) : []
  return kept?.commit === machine.commit ? kept.figures : {}
}

/** All stored results of these rows, in their order. */
export const keptResults = (folder: URL, names: ReadonlyArray<string>): ReadonlyArray<Result> => {
  const files = new Set(readdirSync(folder))
  return names
    .filter((name) => files.has(`${name}.json`))
    .map((name) => JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")))
}
