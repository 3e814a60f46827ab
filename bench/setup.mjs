/**
 * Installs the peers from the lock file, if it has changed since the last time. Compiles
 * better-sqlite3, which ships no binary, if the installation has not done so. The benchmark leaves
 * out and names each peer that cannot be installed. On a Node that runs the edition for Effect 4, it
 * builds that too.
 */
import { spawnSync } from "node:child_process"
import { existsSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { fileURLToPath } from "node:url"

const [major, minor] = process.versions.node.split(".").map(Number)
if (major > 22 || (major === 22 && minor >= 19)) {
  const build = fileURLToPath(new URL("../scripts/editions/main.mjs", import.meta.url))
  if (spawnSync(process.execPath, [build, "build"], { stdio: "inherit" }).status !== 0) process.exit(1)
}

const here = fileURLToPath(new URL(".", import.meta.url))
const npm = (...args) =>
  spawnSync("npm", args, { cwd: here, stdio: "inherit", shell: process.platform === "win32" }).status

const installed = `${here}node_modules/.package-lock.json`
const changed = () => statSync(`${here}package-lock.json`).mtimeMs > statSync(installed).mtimeMs
if ((!existsSync(installed) || changed()) && npm("ci") !== 0) process.exit(1)

const sqliteLoads = () => {
  try {
    const Database = createRequire(import.meta.url)("better-sqlite3")
    new Database(":memory:").close()
    return true
  } catch {
    return false
  }
}
if (existsSync(`${here}node_modules/better-sqlite3`) && !sqliteLoads()) {
  npm("rebuild", "better-sqlite3", "--ignore-scripts=false")
}
