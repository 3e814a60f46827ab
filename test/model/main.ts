// npm run test:model [-- --runs N --seed N --length N]: compares the store with a sorted map. A run
// is one list of commands on one configuration. Half of the runs mix in crashes, faults and
// interruptions. In the other half, one list runs on every configuration and must give the same
// results on all.
import { parseArgs } from "node:util"
import { checkHistory, checkTrouble } from "./check.js"
import { configurations } from "./configurations.js"

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    length: { type: "string", default: "200" }
  }
})
const runs = Number(values.runs)
const length = Number(values.length)
const started = performance.now()
const faults: Array<string> = []
let done = 0
let seed = Number(values.seed)
let reported = started

const take = (fault: string | undefined): void => {
  if (fault === undefined) return
  faults.push(fault)
  process.stdout.write(`${fault}\n\n`)
}

/** Alternates histories and runs with trouble, so that both have about the same number of runs. */
while (done < runs) {
  take(await checkHistory(seed, length))
  done += configurations.length
  for (let i = 0; i < configurations.length && done < runs; i++, done++)
    take(await checkTrouble(seed * 1000 + i, length))
  seed++
  if (performance.now() - reported > 60_000) {
    reported = performance.now()
    process.stderr.write(`${done} runs, ${faults.length} failed, next seed ${seed}\n`)
  }
}
const seconds = ((performance.now() - started) / 1000).toFixed(0)
process.stdout.write(
  `${done} runs of ${length} commands on ${configurations.length} configurations, ${faults.length} failed, ` +
    `${seconds} s, seeds ${values.seed} to ${seed - 1}\n`
)
process.exitCode = faults.length === 0 ? 0 : 1
