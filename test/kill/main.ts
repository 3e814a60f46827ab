// npm run test:kill [-- --cycles N --seed N --racers N --races N]: kills writers and checks the
// store that they leave. Then lets processes race to open one directory.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { temporaryDirectory } from "../support/temporaryDirectory.js"
import { bundle } from "./child.js"
import { runCycles } from "./cycles.js"
import { leaveStale, race } from "./races.js"

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "200" },
    racers: { type: "string", default: "20" },
    races: { type: "string", default: "10" },
    seed: { type: "string", default: "1" }
  }
})

const program = Effect.gen(function* () {
  const started = performance.now()
  const file = yield* bundle
  const { faults, ...counts } = yield* runCycles(file, Number(values.cycles), Number(values.seed))
  for (const fault of faults) process.stdout.write(`${fault}\n`)
  const directory = join(yield* temporaryDirectory, "raced")
  mkdirSync(directory)
  const racers = Number(values.racers)
  let fair = 0
  for (let i = 0; i < Number(values.races); i++) {
    if (i > 0) yield* leaveStale(file, directory)
    const outcomes = yield* Effect.scoped(race(file, directory, racers))
    const winners = outcomes.filter((outcome) => outcome === "open, put by the winner").length
    const locked = outcomes.filter((outcome) => outcome === "StoreLocked").length
    process.stdout.write(
      `${racers} processes opened one directory at once: ${winners} won, ${locked} were locked out\n`
    )
    if (winners === 1 && locked === racers - 1) fair++
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  process.stdout.write(`${JSON.stringify(counts)}\n`)
  process.stdout.write(`${faults.length} faults, ${seconds} s, seed ${values.seed}\n`)
  return faults.length === 0 && fair === Number(values.races)
})

process.exitCode = (await Effect.runPromise(Effect.scoped(program))) ? 0 : 1
