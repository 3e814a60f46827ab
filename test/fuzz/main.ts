// npm run test:fuzz [-- --inputs N --seed S --target NAME]: feeds mutated inputs to every decoder.
import { parseArgs } from "node:util"
import { fuzz } from "./fuzz.js"

const { values } = parseArgs({
  options: {
    inputs: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    target: { type: "string" }
  }
})
// Most inputs end in an error. Capturing its whole stack would take longer than the decoding.
Error.stackTraceLimit = 4
const started = performance.now()
const { inputs, decoded, findings, targets } = fuzz(Number(values.inputs), Number(values.seed), values.target)
for (const [name, of] of Object.entries(targets)) {
  const { slowest, mostBytes } = of
  process.stdout.write(
    `${name.padEnd(28)} ${of.inputs} inputs, ${of.decoded} decoded, slowest ${slowest.toFixed(1)} ms, most ${mostBytes} bytes\n`
  )
}
for (const finding of findings.slice(0, 5)) process.stdout.write(`${JSON.stringify(finding)}\n`)
const seconds = ((performance.now() - started) / 1000).toFixed(0)
process.stdout.write(
  `${inputs} inputs, ${decoded} decoded, ${findings.length} findings, ${seconds} s, seed ${values.seed}\n`
)
process.exitCode = findings.length === 0 ? 0 : 1
