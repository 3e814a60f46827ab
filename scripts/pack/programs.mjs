import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { build } from "esbuild"
import { backgroundExample } from "./features.mjs"
import { programs } from "./readme.mjs"
import { clone, expect, run, tsc } from "./tools.mjs"

const fileOf = (index) => `readme-${index + 1}.mts`

/** Whether declarations name an optional package of Effect 3. */
const needsMore = (path) => /from "@effect\//.test(readFileSync(path, "utf8"))

/** Modules whose declarations need optional packages in both editions. */
const needPackages = [
  "AbstractLevel",
  "CompactionWorker",
  "DurableCluster",
  "MessageStorage",
  "RunnerStorage",
  "SingleRunner"
]

/** Checks all public declarations that need no optional package, with Effect alone: there is no `@types/node` yet. */
export const compileModules = (project) => {
  const dist = join(project, "node_modules/effect-lsm/dist")
  const names = readdirSync(dist)
    .filter((file) => file.endsWith(".d.ts") && file !== "index.d.ts")
    .filter((file) => !needsMore(join(dist, file)))
    .map((file) => file.replace(/\.d\.ts$/, ""))
    .filter((name) => !needPackages.includes(name))
  const lines = ["index", ...names].map((name) => {
    return `export * as ${name} from "effect-lsm${name === "index" ? "" : `/${name}`}"\n`
  })
  writeFileSync(join(project, "modules.mts"), lines.join(""))
  const options = [
    "--noEmit",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--skipLibCheck",
    "false",
    "--target",
    "ES2022"
  ]
  for (const [module, resolution] of moduleOptions) {
    run(
      process.execPath,
      [tsc, ...options, "--module", module, "--moduleResolution", resolution, "modules.mts"],
      project
    )
  }
  return lines.length
}

const moduleOptions = [
  ["NodeNext", "NodeNext"],
  ["ESNext", "Bundler"]
]

/** Checks the README's programs with `tsc --strict`, and the declarations that they use with them. */
export const compilePrograms = (project) => {
  mkdirSync(join(project, "node_modules/@types"), { recursive: true })
  for (const name of ["@types/node", "undici-types"]) {
    symlinkSync(join(clone, "node_modules", name), join(project, "node_modules", name))
  }
  for (const [index, code] of programs.entries()) writeFileSync(join(project, fileOf(index)), code)
  const options = ["--strict", "--module", "NodeNext", "--moduleResolution", "NodeNext", "--target", "ES2022"]
  run(process.execPath, [tsc, ...options, ...programs.map((_, index) => fileOf(index))], project)
}

/** Runs the README's programs as compiled, twice: the second time they find the data of the first. */
export const runPrograms = (project) => {
  const printed = []
  for (const [index] of programs.entries()) {
    const program = fileOf(index).replace(/mts$/, "mjs")
    const first = run(process.execPath, [program], project)
    const second = run(process.execPath, [program], project)
    expect(first === second, `program ${index + 1} of the README prints something else the second time`)
    printed.push(first)
  }
  expect(printed[0].includes("user:1 Ada"), `the first program printed ${JSON.stringify(printed[0])}`)
  return printed
}

/** Bundles the README's first program into one file, and runs it where no package is installed. */
export const runBundle = async (project, empty) => {
  const outfile = join(empty, "bundle.mjs")
  await build({
    entryPoints: [join(project, fileOf(0))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error"
  })
  const printed = run(process.execPath, [outfile], empty)
  expect(printed.includes("user:1 Ada"), `the bundle printed ${JSON.stringify(printed)}`)
  await checkLoadedPart(join(project, fileOf(0)), empty)
}

/** Bundles a program with the modules that it loads when they are used in files of their own. */
const checkLoadedPart = async (entry, empty) => {
  const { metafile } = await build({
    entryPoints: { main: entry },
    outdir: join(empty, "split"),
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
    metafile: true
  })
  const { outputs } = metafile
  const loaded = new Set()
  const load = (file) => {
    if (loaded.has(file)) return
    loaded.add(file)
    for (const { kind, path } of outputs[file].imports) if (kind === "import-statement" && outputs[path]) load(path)
  }
  load(Object.keys(outputs).find((file) => outputs[file].entryPoint !== undefined && file.endsWith("main.js")))
  const inputs = {}
  for (const file of loaded) {
    for (const [path, { bytesInOutput }] of Object.entries(outputs[file].inputs)) inputs[path] = { bytesInOutput }
  }
  checkOwnPart(inputs)
}

/** A program that only puts, gets and scans must not have these. */
const capabilities =
  /effect-lsm\/dist\/(internal\/(backup|checkpoint\/(?!storeSource)|feed|keyspace|transaction)|core\/feed|(Backup|ChangeFeed|Checkpoint|Keyspace|MessagePack|Transaction)\.js)/

/** The most kilobytes of this package in a bundle of such a program, not minified. */
const mostKilobytes = 600

const checkOwnPart = (inputs) => {
  const own = Object.entries(inputs).filter(
    ([path, { bytesInOutput }]) => path.includes("effect-lsm/dist/") && bytesInOutput > 0
  )
  const unused = own.map(([path]) => path).filter((path) => capabilities.test(path))
  expect(unused.length === 0, `the bundle has what its program does not use: ${unused.join(", ")}`)
  const kilobytes = Math.round(own.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0) / 1000)
  console.log(`a bundle of the first program loads ${kilobytes} kB of this package`)
  expect(kilobytes <= mostKilobytes, `the bundle has ${kilobytes} kB of this package, more than ${mostKilobytes}`)
}

/** Bundles a program with the program of its background thread beside it, as docs/runtimes.md says, and without. */
export const runBackgroundBundle = async (project, makeEmpty) => {
  const main = join(project, "background.mjs")
  writeFileSync(main, backgroundExample)
  const thread = "internal/background/thread"
  const withThread = { main, [thread]: join(project, `node_modules/effect-lsm/dist/${thread}.js`) }
  for (const [threads, entryPoints] of [{ main }, withThread].entries()) {
    const outdir = makeEmpty(`background bundle ${threads}`)
    await build({ entryPoints, outdir, bundle: true, platform: "node", format: "esm", logLevel: "error" })
    const printed = run(process.execPath, [join(outdir, "main.js")], outdir)
    expect(
      printed.includes(`2000 entries, 2 flushes, ${threads} thread`),
      `the bundle with ${threads} threads printed ${JSON.stringify(printed)}`
    )
  }
}

/** Bundles a program that compacts in a thread, and the thread's program beside it, as docs/runtimes.md says. */
export const runThreadBundle = async (project, empty, code) => {
  const entry = join(project, "threaded.mjs")
  writeFileSync(entry, code)
  const thread = "internal/thread/compactionThread"
  await build({
    entryPoints: {
      main: entry,
      [thread]: join(project, `node_modules/effect-lsm/dist/${thread}.js`)
    },
    outdir: empty,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error"
  })
  const printed = run(process.execPath, [join(empty, "main.js")], empty)
  expect(printed.includes("1 compaction"), `the bundle with a thread printed ${JSON.stringify(printed)}`)
}
