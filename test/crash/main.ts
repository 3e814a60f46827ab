// npm run test:crash [-- --states N --minutes N --seed N --workload NAME --thread]
//   Explores the crash states of every workload, in one process per processor.
// npm run test:crash -- --workload NAME --seed N --at PLACE
//   Judges one state again.
import { fork } from "node:child_process"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { countStates, type Exploration, explore, type Finding, repeat } from "./explore.js"
import { shares } from "./shares.js"
import { inThread } from "./thread.js"
import { record } from "./workload.js"
import { findWorkload, workloads } from "./workloads.js"

const { values } = parseArgs({
  options: {
    states: { type: "string", default: "90000" },
    minutes: { type: "string", default: "30" },
    seed: { type: "string", default: "1" },
    workload: { type: "string" },
    at: { type: "string" },
    worker: { type: "boolean", default: false },
    thread: { type: "boolean", default: false }
  }
})
const seed = Number(values.seed)
const patches = values.thread ? inThread() : {}
const threadFlag = values.thread ? ["--thread"] : []

/** A workload for a child process to explore, and the result. */
interface Task {
  readonly name: string
  readonly maxStates: number
  readonly deadline: number
}
type Result = Exploration & { readonly name: string; readonly seconds: number; readonly processorSeconds: number }

const work = async ({ name, maxStates, deadline }: Task): Promise<Result> => {
  const started = performance.now()
  const before = process.cpuUsage()
  const result = await Effect.runPromise(
    explore(findWorkload(name), {
      seed,
      maxStates,
      secondCrashEvery: 50,
      secondStates: 10,
      stopAtFirst: false,
      deadline,
      patches
    })
  )
  const { user, system } = process.cpuUsage(before)
  return { ...result, name, seconds: (performance.now() - started) / 1000, processorSeconds: (user + system) / 1e6 }
}

const printFinding = (finding: Finding): void => {
  const { workload, at, label, fault } = finding
  process.stdout.write(
    `FINDING  ${workload}: ${label}\n  ${fault.split("\n")[0]}\n` +
      `  reproduce: npm run test:crash -- --workload ${JSON.stringify(workload)} --seed ${seed} --at ${at}${values.thread ? " --thread" : ""}\n`
  )
}

/** Runs the tasks in `processes` child processes. Each takes the next task when it has done one. */
const runAll = async (tasks: ReadonlyArray<Task>, processes: number): Promise<ReadonlyArray<Result>> => {
  const queue = tasks.slice()
  const results: Array<Result> = []
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const child = fork(fileURLToPath(import.meta.url), ["--worker", "--seed", values.seed, ...threadFlag], {
        execArgv: [...process.execArgv, "--max-semi-space-size=32"]
      })
      const next = () => {
        const task = queue.shift()
        if (task === undefined) child.disconnect()
        else child.send(task)
      }
      child.on("message", (message) => {
        const result = message as Result
        results.push(result)
        process.stdout.write(`${result.name}: ${result.states} states, ${result.seconds.toFixed(1)} s\n`)
        result.findings.slice(0, 3).forEach(printFinding)
        next()
      })
      child.on("error", reject)
      child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`a child process exited with ${code}`))))
      next()
    })
  await Promise.all(Array.from({ length: processes }, one))
  return results
}

const exploreAll = async (): Promise<void> => {
  const started = performance.now()
  const minutes = Number(values.minutes)
  const wanted = Number(values.states)
  const processes = availableParallelism()
  const deadline = Date.now() + minutes * 60_000
  const chosen = values.workload === undefined ? workloads : [findWorkload(values.workload)]
  const available = await Promise.all(
    chosen.map((workload) =>
      Effect.runPromise(Effect.map(record(workload, patches), ({ events }) => countStates(events)))
    )
  )
  const tasks = shares(chosen, available, wanted)
    .map((maxStates, i) => ({ name: chosen[i]!.name, maxStates, deadline }))
    .sort((a, b) => b.maxStates - a.maxStates)
  const results = await runAll(tasks, processes)
  const sum = (of: (result: Result) => number) => results.reduce((n, result) => n + of(result), 0)
  const findings = sum((result) => result.findings.length)
  const seconds = (performance.now() - started) / 1000
  const inTime = Date.now() < deadline
  process.stdout.write(
    `${sum(({ states }) => states)} distinct crash states of ${chosen.length} workloads, ` +
      `${sum(({ secondCrashes }) => secondCrashes)} of them after a second crash: ${findings} findings. ` +
      `${seconds.toFixed(0)} s in ${processes} processes, ${sum((result) => result.processorSeconds).toFixed(0)} s of processor time, seed ${seed}\n`
  )
  if (!inTime) process.stdout.write(`Stopped after ${minutes} minutes, before all states were judged\n`)
  process.exitCode = findings > 0 ? 1 : inTime ? 0 : 2
}

if (values.worker) {
  process.on("message", (task) => {
    work(task as Task).then((result) => process.send!({ ...result, findings: result.findings.slice(0, 100) }))
  })
} else if (values.at !== undefined) {
  const finding = await Effect.runPromise(repeat(findWorkload(values.workload ?? ""), seed, values.at, patches))
  if (finding === undefined) process.stdout.write("nothing is wrong with this state\n")
  else {
    printFinding(finding)
    process.stdout.write(`${finding.fault}\n`)
    process.exitCode = 1
  }
} else {
  await exploreAll()
}
