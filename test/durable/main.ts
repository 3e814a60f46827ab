// npm run test:durable [-- --kills N --seed N]: kills examples/durable-workflow.ts at random moments,
// and checks that it then finishes all that it began.
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { runKills } from "./kills.js"

const { values } = parseArgs({
  options: { kills: { type: "string", default: "100" }, seed: { type: "string", default: "1" } }
})

const started = performance.now()
const { faults, ...counts } = await Effect.runPromise(
  Effect.scoped(runKills(Number(values.kills), Number(values.seed)))
)
for (const fault of faults) process.stdout.write(`${fault}\n`)
process.stdout.write(`${JSON.stringify(counts)}\n`)
const seconds = ((performance.now() - started) / 1000).toFixed(0)
process.stdout.write(`${faults.length} faults, ${seconds} s, seed ${values.seed}\n`)
process.exitCode = faults.length === 0 ? 0 : 1
