// npm run test:kill [-- --cycles N --seed N --racers N]: writers that are killed, and the store that they leave.
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import { temporaryDirectory } from "../support/temporaryDirectory.js"
import { bundle } from "./child.js"
import { runCycles } from "./cycles.js"
import { race } from "./races.js"

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "200" },
    racers: { type: "string", default: "20" },
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
  const outcomes = yield* race(file, directory, racers)
  const winners = outcomes.filter((outcome) => outcome === "open, put by the winner").length
  const locked = outcomes.filter((outcome) => outcome === "StoreLocked").length
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  process.stdout.write(`${JSON.stringify(counts)}\n`)
  process.stdout.write(`${racers} processes opened a directory at once: ${winners} won, ${locked} were locked out\n`)
  process.stdout.write(`${faults.length} faults, ${seconds} s, seed ${values.seed}\n`)
  return faults.length === 0 && winners === 1 && locked === racers - 1
})

process.exitCode = (await Effect.runPromise(Effect.scoped(program))) ? 0 : 1
