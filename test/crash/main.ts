// npm run test:crash [-- --states N --seed N --workload NAME]: explores the crash states of every workload, on two processes.
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { type Exploration, explore } from "./explore.js"
import { workloads } from "./workloads.js"

const { values } = parseArgs({
  options: {
    states: { type: "string", default: "120000" },
    seed: { type: "string", default: "1" },
    workload: { type: "string" },
    shard: { type: "string" }
  }
})
const seed = Number(values.seed)
const shards = 2
const perWorkload = Math.ceil(Number(values.states) / (values.workload === undefined ? workloads.length : 1))

const runShard = async (shard: number): Promise<ReadonlyArray<Exploration>> => {
  const results: Array<Exploration> = []
  for (const [i, workload] of workloads.entries()) {
    if (i % shards !== shard || (values.workload !== undefined && workload.name !== values.workload)) continue
    const started = performance.now()
    const result = await Effect.runPromise(
      explore(workload, { seed, maxStates: perWorkload, secondCrashEvery: 50, stopAtFirst: false })
    )
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    process.stderr.write(
      `${workload.name}: ${result.states} states, ${result.findings.length} findings, ${seconds} s\n`
    )
    for (const finding of result.findings.slice(0, 3)) process.stderr.write(`  ${JSON.stringify(finding)}\n`)
    results.push(result)
  }
  return results
}

const total = (results: ReadonlyArray<Exploration>) => ({
  states: results.reduce((n, { states }) => n + states, 0),
  findings: results.reduce((n, { findings }) => n + findings.length, 0)
})

if (values.shard !== undefined) {
  process.stdout.write(JSON.stringify(total(await runShard(Number(values.shard)))))
} else {
  const started = performance.now()
  const children = Array.from({ length: shards }, (_, shard) => {
    const args = [
      ...process.execArgv,
      fileURLToPath(import.meta.url),
      ...process.argv.slice(2),
      "--shard",
      String(shard)
    ]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
    return new Promise<ReturnType<typeof total>>((resolve, reject) => {
      let out = ""
      child.stdout.on("data", (chunk) => {
        out += chunk
      })
      child.on("close", (code) =>
        code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`shard ended with ${code}`))
      )
    })
  })
  const results = await Promise.all(children)
  const states = results.reduce((n, r) => n + r.states, 0)
  const findings = results.reduce((n, r) => n + r.findings, 0)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  process.stdout.write(`${states} distinct crash states, ${findings} findings, ${seconds} s, seed ${seed}\n`)
  process.exitCode = findings === 0 ? 0 : 1
}
