// Installs the clients from the lock file, if it has changed since the last time, and runs their tests
// on the built package.
import { spawnSync } from "node:child_process"
import { existsSync, statSync } from "node:fs"
import { fileURLToPath } from "node:url"

const here = fileURLToPath(new URL(".", import.meta.url))

const run = (program, parameters) => {
  const { status } = spawnSync(program, parameters, { cwd: here, stdio: "inherit" })
  if (status !== 0) process.exit(status ?? 1)
}

const installed = `${here}node_modules/.package-lock.json`
const changed = () => statSync(`${here}package-lock.json`).mtimeMs > statSync(installed).mtimeMs
if (!existsSync(installed) || changed()) run("npm", ["ci", "--loglevel=error"])

const tests = [
  "node_modules/aedes-persistence-level/test/test.js",
  "quadstore.test.mjs",
  "invertedIndex.test.mjs",
  "searchIndex.test.mjs"
]
run(process.execPath, ["--import", "./preload.mjs", "--test", ...tests])
