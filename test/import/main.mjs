// Installs the packages of bench/ from its lock file, and imports stores that they have made with both editions.
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

const at = (path) => fileURLToPath(new URL(path, import.meta.url))

const run = (parameters, env = process.env) => {
  const { status } = spawnSync(process.execPath, parameters, { stdio: "inherit", env })
  if (status !== 0) process.exit(status ?? 1)
}

// It builds the edition for Effect 4 only on a Node that runs it.
run([at("../../bench/setup.mjs")])
run(["--test", at("peers.test.mjs")])
const effect4 = at("../../editions/effect4/build/dist/cli/lsmkv.js")
if (existsSync(effect4)) {
  const { nodeFor4 } = await import("../../scripts/editions/node.mjs")
  const node = nodeFor4()
  if (node !== undefined) run(["--test", at("peers.test.mjs")], { ...process.env, LSMKV: effect4, LSMKV_NODE: node })
}
