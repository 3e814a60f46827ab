// Runs the test suite on each Node, and the README's first program on each Node, Bun and Deno, from the packed package.
// Then opens a store in each of them while another has it open.
// Words: --short runs a part of the tests; --pairs runs no tests; --only NAME runs one runtime, such as "Node 26" or Bun; effect4 takes
// the edition for Effect 4 instead of that for Effect 3.
import { spawnSync } from "node:child_process"
import { copyFileSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { parseArgs } from "node:util"
import { checkRequire } from "../pack/exports.mjs"
import { install, installLines, programs } from "../pack/readme.mjs"
import { attempt, clone, major, makeProject, pack, root, run, withTemporaryDirectory } from "../pack/tools.mjs"
import { tryPairs } from "./pairs.mjs"
import { installRuntime, runtimes } from "./runtimes.mjs"

const flag = { type: "boolean", default: false }
const { values } = parseArgs({
  allowPositionals: true,
  options: { short: flag, pairs: flag, only: { type: "string" } }
})

const shortForm = ["test/core", "test/store/conformance.test.ts", "test/cli/process.test.ts"]

/** Runs the tests, which start programs of their own by the first node of the path. */
const runTests = (program) => {
  const vitest = join(clone, major === 4 ? "editions/effect4" : "", "node_modules/vitest/vitest.mjs")
  const words = [vitest, "run", ...(values.short ? shortForm : ["--exclude", "test/docs/**"])]
  const env = { ...process.env, PATH: `${dirname(program)}${delimiter}${process.env.PATH}` }
  return spawnSync(program, words, { cwd: root, env, stdio: "inherit" }).status === 0 ? "pass" : "fail"
}

/** Runs the README's first program twice, on a new store and on the one that is there then. */
const runProgram = (runtime, program, project) => {
  for (let time = 0; time < 2; time++) {
    const { status, stdout, stderr } = attempt(program, runtime.words("first.mjs"), project)
    if (status !== 0 || !stdout.includes("user:1 Ada")) return `fails: ${stdout}${stderr}`
  }
  return "runs"
}

/** Runs a program that uses most of a store. */
const runSmoke = (runtime, program, project, ...words) => {
  const { status, stdout, stderr } = attempt(program, runtime.words("smoke.mjs", ...words), project)
  return status === 0 && stdout.includes("passed") ? "passes" : `fails: ${stdout}${stderr}`
}

const runRequire = (project, program) => {
  try {
    return checkRequire(project, program) ? "works" : "not on this one"
  } catch (error) {
    return `fails: ${error.message}`
  }
}

await withTemporaryDirectory(async (directory) => {
  run("npm", ["run", "--silent", "build"], root)
  const { tarball } = pack(directory)
  const rows = []
  const installed = []
  for (const runtime of runtimes.filter(
    ({ name, editions }) => editions.includes(major) && (values.only ?? name) === name
  )) {
    const { program, version } = installRuntime(runtime, join(directory, runtime.name))
    const project = makeProject(join(directory, `${runtime.name} project`))
    install(installLines[0], tarball, project)
    writeFileSync(join(project, "first.mjs"), programs[0])
    const row = { runtime: runtime.name, version, program: runProgram(runtime, program, project) }
    copyFileSync(join(import.meta.dirname, "smoke.mjs"), join(project, "smoke.mjs"))
    row.smoke = runSmoke(runtime, program, project)
    for (const line of installLines.slice(1)) install(line, tarball, project)
    row.thread = runSmoke(runtime, program, project, "thread")
    installed.push({ runtime, program, project })
    if (runtime.runsTests && !values.pairs)
      Object.assign(row, { require: runRequire(project, program), tests: runTests(program) })
    rows.push(row)
    console.log(row)
  }
  console.table(rows)
  const pairs = await tryPairs(installed, directory)
  console.table(pairs)
  const failed = rows.some((row) => Object.values(row).some((outcome) => /^fail/.test(outcome)))
  const twoOwners = pairs.some(({ holder, ...outcomes }) => Object.values(outcomes).some((one) => one !== "one owner"))
  if (failed || twoOwners || rows.length === 0) process.exitCode = 1
})
