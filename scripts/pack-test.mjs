// Packs the package, installs it in an empty directory with nothing but its peers, and runs what the README shows first:
// the example program and the command line; and compactions in a thread.
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
const directory = mkdtempSync(join(tmpdir(), "effect-lsm-pack-"))
const run = (command, args, cwd) =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout: 300_000 })
const expect = (condition, what) => {
  if (!condition) throw new Error(`pack test: ${what}`)
}

/** Compacts in a thread, whose program is found within the package. */
const threadExample = `
import { NodeContext, NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { CompactionWorker, LsmStore, WriteBatch } from "effect-lsm"

Effect.gen(function* () {
  const store = yield* LsmStore.LsmStore
  for (let table = 0; table < 2; table++) {
    const batch = WriteBatch.make()
    for (let n = 0; n < 2000; n++) batch.put(String(n), String(table))
    yield* store.write(batch)
    yield* store.flush
  }
  yield* store.compact()
  yield* Console.log(yield* store.count(), "entries,", (yield* store.stats).compactions, "compaction")
}).pipe(
  Effect.provide(CompactionWorker.layerStore({ directory: "./threaded" })),
  Effect.provide(NodeContext.layer),
  NodeRuntime.runMain
)
`

try {
  const [packed] = JSON.parse(run("npm", ["pack", "--json", "--silent", "--pack-destination", directory], root))
  const files = packed.files.map(({ path }) => path)
  for (const wanted of [
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "dist/index.js",
    "dist/index.d.ts",
    "dist/cli/lsmkv.js",
    "dist/internal/thread/compactionThread.js"
  ]) {
    expect(files.includes(wanted), `${wanted} is not in the package`)
  }
  expect(!files.some((path) => /^(test|bench|examples)\//.test(path)), "tests or benchmarks are in the package")

  const project = join(directory, "project")
  run("mkdir", [project])
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }))
  run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", join(directory, packed.filename)], project)

  const readme = readFileSync(join(root, "README.md"), "utf8")
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1]
  expect(example !== undefined, "the README has no example")
  writeFileSync(join(project, "example.js"), example)
  const first = run(process.execPath, ["example.js"], project)
  expect(first.includes("user:1 Ada"), `the example printed ${JSON.stringify(first)}`)
  expect(run(process.execPath, ["example.js"], project) === first, "the example prints something else the second time")

  const lsmkv = (...args) => run(join(project, "node_modules/.bin/lsmkv"), args, project)
  expect(lsmkv("--version").includes(version), "the command line has another version number")
  expect(lsmkv("get", "./data", "user:1").includes("Ada"), "the command line does not find the example's data")

  // What this process was started with is no business of the thread's: it would not start with these words.
  const merged = run(process.execPath, ["--input-type=module", "-e", threadExample], project)
  expect(merged.includes("2000 entries, 1 compaction"), `compactions in a thread printed ${JSON.stringify(merged)}`)

  for (const [path, fails] of [
    ["LsmStore", false],
    ["WriteBatch", false],
    ["CompactionWorker", false],
    ["core/memtable/memtable", true],
    ["internal/engine/open", true],
    ["cli/program", true]
  ]) {
    const code = `import(${JSON.stringify(`${name}/${path}`)}).then(() => console.log("found"), (e) => console.log(e.code))`
    const answer = run(process.execPath, ["--input-type=module", "-e", code], project).trim()
    expect(answer === (fails ? "ERR_PACKAGE_PATH_NOT_EXPORTED" : "found"), `${name}/${path}: ${answer}`)
  }
  console.log(`pack test: ${name} ${version}, ${files.length} files, ${packed.size} bytes packed: installs and runs`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
