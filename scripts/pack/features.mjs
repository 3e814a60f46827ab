import { readFileSync } from "node:fs"
import { join } from "node:path"
import { attempt, expect, root, run } from "./tools.mjs"

/** The optional peers of the command line. Others of Effect are for adapters. */
const { peerDependenciesMeta } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const optional = Object.keys(peerDependenciesMeta).filter((name) =>
  /^@effect\/(cli|platform|platform-node|printer|printer-ansi)$/.test(name)
)

const lsmkv = (project) => join(project, "node_modules/.bin/lsmkv")

/** Checks what `lsmkv` prints where its packages are missing, and returns the install line that it names. */
export const checkMissingPackages = (project) => {
  const { status, stdout, stderr } = attempt(lsmkv(project), ["get", "./data", "user:1"], project)
  expect(status === 2 && stdout === "", `without its packages lsmkv ended with ${status} and printed ${stdout}`)
  for (const name of optional) expect(stderr.includes(name), `lsmkv does not name ${name}: ${stderr}`)
  expect(!/^\s+at /m.test(stderr), `lsmkv printed a stack trace: ${stderr}`)
  const line = /^\s*(npm install .*)$/m.exec(stderr)?.[1]
  expect(line !== undefined, `lsmkv names no install line: ${stderr}`)
  return line
}

/** Checks that `lsmkv` runs, on the data of the README's first program. */
export const checkCommandLine = (project, version) => {
  const printed = (...args) => run(lsmkv(project), args, project)
  expect(printed("--version").includes(version), "the command line has another version number")
  expect(printed("get", "./data", "user:1").includes("Ada"), "the command line does not find the example's data")
}

/** A program that flushes and compacts, and prints how many threads it has started. It needs no optional peer. */
export const backgroundExample = `
import { Console, Effect } from "effect"
import { LsmStore, WriteBatch } from "effect-lsm"

let threads = 0
process.on("worker", () => threads++)

const program = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  for (let table = 0; table < 2; table++) {
    const batch = WriteBatch.make()
    for (let n = 0; n < 2000; n++) batch.put(String(n), String(table).repeat(1000))
    yield* store.write(batch)
    yield* store.flush
  }
  yield* store.compact()
  yield* Console.log(yield* store.count(), "entries,", (yield* store.stats).flushes, "flushes,", threads, "thread")
})

Effect.runPromise(program.pipe(Effect.provide(LsmStore.layer({ directory: "./background" }))))
`

/** Checks that a store flushes and compacts in its thread. */
export const checkBackgroundThread = (project) => {
  const printed = run(process.execPath, ["--input-type=module", "-e", backgroundExample], project)
  expect(printed.includes("2000 entries, 2 flushes, 1 thread"), `a store printed ${JSON.stringify(printed)}`)
}

/** A program that compacts in a thread. */
export const threadExample = `
import { Console, Effect } from "effect"
import { LsmStore, WriteBatch } from "effect-lsm"
import * as CompactionWorker from "effect-lsm/CompactionWorker"

const program = Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  for (let table = 0; table < 2; table++) {
    const batch = WriteBatch.make()
    for (let n = 0; n < 2000; n++) batch.put(String(n), String(table))
    yield* store.write(batch)
    yield* store.flush
  }
  yield* store.compact()
  yield* Console.log(yield* store.count(), "entries,", (yield* store.stats).compactions, "compaction")
})

Effect.runPromise(program.pipe(Effect.provide(CompactionWorker.layerStore({ directory: "./threaded" }))))
`

/** Checks compactions in a worker thread, whose program is found within the package. */
export const checkThread = (project) => {
  // What this process was started with is no business of the thread's: it would not start with these words.
  const printed = run(process.execPath, ["--input-type=module", "-e", threadExample], project)
  expect(printed.includes("2000 entries, 1 compaction"), `compactions in a thread printed ${JSON.stringify(printed)}`)
}
