import { atLeast } from "../lib/judges.js"
import type { Contender, Judge, Row, Run } from "../lib/row.js"
import { openUs } from "./contenders.js"
import { measured } from "./plan.js"
import * as Plans from "./plans.js"

/** Loads a contender only in the process that measures it. */
const lazily =
  <A extends Readonly<Record<string, Contender>>>(load: () => Promise<A>, name: keyof A & string): Contender =>
  async (run) =>
    (await load())[name]!(run)

const from = <A extends Readonly<Record<string, Contender>>>(
  load: () => Promise<A>,
  ...names: ReadonlyArray<keyof A & string>
): Row["contenders"] => Object.fromEntries(names.map((name) => [name, lazily(load, name)]))

const counted = async () => (await import("../ours/tables.js")).counted
const random = async () => (await import("../ours/tables.js")).random
const concurrentReads = async () => (await import("../ours/concurrentReads.js")).contenders

/** Requires that the same tables are five times smaller and five times faster to read. */
const smallerAndFaster: Judge = (median) => {
  const judged = ["tables", "tables, deflated"].map((name) => {
    const ratio = (figure: string) => median("JSON lines", figure)! / median(name, figure)!
    const size = ratio("bytes/entry")
    const time = ratio("ns/entry")
    return {
      text: `${name}: ${size.toFixed(2)} times smaller, ${time.toFixed(2)} times faster to read`,
      met: size >= 5 && time >= 5
    }
  })
  return { text: `${judged.map(({ text }) => text).join("; ")}; wanted 5 and 5`, met: judged.some(({ met }) => met) }
}

const synced =
  (kind: "puts" | "batches" | "concurrentPuts", plan: (run: Run) => ReturnType<typeof Plans.fillSynced>): Contender =>
  (run) =>
    measured(kind, plan)(openUs(), run)

/** Rows that compare effect-lsm with itself, and with a plain file. */
export const ownRows: Readonly<Record<string, Row>> = {
  "batch-sync": {
    title: "synced puts, in batches of 1,000 against one by one",
    contenders: { batches: synced("batches", Plans.batchSynced), single: synced("puts", Plans.fillSynced) },
    judges: [atLeast("batches", 10, "single")]
  },
  writers: {
    title: "synced puts by 64 fibers against one",
    contenders: {
      "64 fibers": synced("concurrentPuts", Plans.fillSyncedConcurrently),
      "1 fiber": synced("puts", Plans.fillSynced)
    },
    judges: [atLeast("64 fibers", 10, "1 fiber")]
  },
  "tables-random": {
    title: "tables against JSON lines, random bytes",
    contenders: from(random, "tables", "tables, deflated", "JSON lines"),
    judges: [smallerAndFaster]
  },
  "tables-counted": {
    title: "tables against JSON lines, keys that count up and numbers",
    contenders: from(counted, "tables", "tables, deflated", "JSON lines"),
    judges: [smallerAndFaster]
  },
  transactions: {
    title: "a get and a put of one key, as a transaction and without",
    contenders: {
      transaction: (run) => measured("puts", Plans.overwrite)(openUs("transactions"), run),
      "get and put": (run) => measured("puts", Plans.overwrite)(openUs("readThenWrite"), run)
    },
    judges: [atLeast("transaction", 1 / 3, "get and put")]
  },
  update64: {
    title: "synced increments of one counter by 64 fibers, against as many puts",
    contenders: {
      update: (run) => measured("concurrentPuts", Plans.fillSyncedConcurrently)(openUs("increments"), run),
      put: synced("concurrentPuts", Plans.fillSyncedConcurrently)
    },
    judges: [atLeast("update", 0.5, "put")]
  },
  "concurrent-reads": {
    title: "50 fibers that read and 5 that write",
    contenders: from(concurrentReads, "no compaction", "compacting")
  }
}
