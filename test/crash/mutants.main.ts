// npm run test:mutants: injects each protocol fault in turn and searches for a crash, or a damaged
// byte of the log, that shows it. Prints what killed each mutant.
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { damageLog } from "./damage.js"
import { explore, type Finding } from "./explore.js"
import { type Mutant, mutants } from "./mutants.js"
import { inThread } from "./thread.js"
import type { Workload } from "./workload.js"
import { findWorkload } from "./workloads.js"

const seed = 1

/**
 * The first finding with a mutant. A mutant that makes the workload itself fail counts as found.
 * One that is not found within 60 seconds does not.
 */
const hunt = (mutant: Mutant, workload: Workload): Effect.Effect<Finding | undefined> => {
  const found = (at: string, fault: string): Finding => ({ workload: workload.name, seed, at, label: at, fault })
  const crash = explore(workload, {
    seed,
    maxStates: 300,
    secondCrashEvery: Number.POSITIVE_INFINITY,
    secondStates: 0,
    stopAtFirst: true,
    patches: mutant.patches()
  }).pipe(Effect.map(({ findings }) => findings[0]))
  return (mutant.shownBy === "damage" ? damageLog(workload, mutant.patches()) : crash).pipe(
    Effect.timeoutOption("60 seconds"),
    Effect.map(Option.getOrUndefined),
    Effect.catchAllCause((cause) => Effect.succeed(found("while the workload runs", String(cause))))
  )
}

interface Row {
  readonly name: string
  readonly finding: Finding | undefined
}

/** Without a mutant nothing must be found. Otherwise a finding would prove nothing. */
const sound: ReadonlyArray<Mutant> = [
  { name: "none", workloads: ["single puts", "flush", "compaction"], patches: () => ({}) },
  {
    name: "none",
    workloads: ["values that expire", "values that expire, and the clock goes back"],
    patches: () => ({})
  },
  { name: "none, in a thread", workloads: ["compaction", "levels", "flush", "snapshots"], patches: () => inThread() },
  { name: "none", workloads: ["single puts", "batches"], patches: () => ({}), shownBy: "damage" }
]
for (const mutant of sound) {
  for (const name of mutant.workloads) {
    const finding = await Effect.runPromise(hunt(mutant, findWorkload(name)))
    if (finding !== undefined) throw new Error(`found without a mutant: ${JSON.stringify(finding)}`)
  }
}

const rows: Array<Row> = []
for (const mutant of mutants) {
  let finding: Finding | undefined
  for (const name of mutant.workloads) finding ??= await Effect.runPromise(hunt(mutant, findWorkload(name)))
  rows.push({ name: mutant.name, finding })
}

const firstLine = (text: string): string => text.split("\n")[0]!
const table = [
  ["mutant", "workload", "state", "fault"],
  ...rows.map(({ name, finding }) =>
    finding === undefined ? [name, "ALIVE", "", ""] : [name, finding.workload, finding.label, firstLine(finding.fault)]
  )
]
const width = [0, 1, 2].map((column) => Math.min(60, Math.max(...table.map((row) => row[column]!.length))))
for (const row of table) {
  const cells = row.map((cell, i) => (i < 3 ? cell.slice(0, width[i]!).padEnd(width[i]!) : cell.slice(0, 100)))
  process.stdout.write(`${cells.join("  ").trimEnd()}\n`)
}
const killed = rows.filter(({ finding }) => finding !== undefined).length
process.stdout.write(`${killed} of ${rows.length} mutants killed\n`)
process.exitCode = killed === rows.length ? 0 : 1
