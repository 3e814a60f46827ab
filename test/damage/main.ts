// npm run test:damage [-- --seed N --every N --files TEXT --images TEXT]: tries every damage on small
// stores, in two processes. --every tries one damage in N. --files tries only files with TEXT in their
// names, --images only stores with TEXT in theirs.
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as Effect from "effect/Effect"
import type { Damage } from "./damages.js"
import { makeImages } from "./image.js"
import { everything, jobs, merge, type Survey, survey } from "./survey.js"

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    every: { type: "string", default: "1" },
    files: { type: "string", default: "" },
    images: { type: "string", default: "" },
    shard: { type: "string" }
  }
})
const every = Number(values.every)
const extent = {
  bits: everything.bits * every,
  cuts: everything.cuts * every,
  opened: everything.opened * every,
  moves: everything.moves * every,
  wholeFiles: everything.wholeFiles,
  recovered: Math.max(1, Math.floor(everything.recovered / every))
}
const shards = 2

function* inFiles(damages: Iterable<Damage>): Generator<Damage> {
  for (const damage of damages) if (damage.paths.some((path) => path.includes(values.files))) yield damage
}

const runShard = async (shard: number): Promise<Survey> => {
  const images = (await Effect.runPromise(makeImages)).filter(({ name }) => name.includes(values.images))
  const surveys: Array<Survey> = []
  for (const [i, job] of [...jobs(images, extent, Number(values.seed))].entries()) {
    if (i % shards !== shard) continue
    const result = await Effect.runPromise(survey({ ...job, damages: () => inFiles(job.damages()) }))
    for (const finding of result.findings.slice(0, 3)) process.stderr.write(`  ${JSON.stringify(finding)}\n`)
    surveys.push({ ...result, torn: [] })
  }
  return merge(surveys)
}

if (values.shard !== undefined) {
  process.stdout.write(JSON.stringify(await runShard(Number(values.shard))))
} else {
  const started = performance.now()
  const children = Array.from({ length: shards }, (_, shard) => {
    const args = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2), "--shard", `${shard}`]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
    return new Promise<Survey>((resolve, reject) => {
      let out = ""
      child.stdout.on("data", (chunk) => {
        out += chunk
      })
      child.on("close", (code) =>
        code === 0 ? resolve(JSON.parse(out)) : reject(new Error(`a shard exited with ${code}`))
      )
    })
  })
  const { tried, counts, findings } = merge(await Promise.all(children))
  for (const kind of Object.keys(counts).sort()) process.stdout.write(`${kind.padEnd(20)} ${counts[kind]}\n`)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  process.stdout.write(`${tried} damages, ${findings.length} findings, ${seconds} s, seed ${values.seed}\n`)
  process.exitCode = findings.length === 0 ? 0 : 1
}
