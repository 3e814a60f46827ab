import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export const root = fileURLToPath(new URL("../..", import.meta.url))

const timeout = 300_000

/** Runs a program, and returns what it printed. Fails if the program does. */
export const run = (command, args, cwd, env = process.env) =>
  execFileSync(command, args, { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout })

/** Runs a program that may fail: `{ status, stdout, stderr }`. */
export const attempt = (command, args, cwd) => spawnSync(command, args, { cwd, encoding: "utf8", timeout })

export const expect = (condition, what) => {
  if (!condition) throw new Error(`pack test: ${what}`)
}

/** Calls `use` with an empty directory, which is removed afterwards. */
export const withTemporaryDirectory = async (use) => {
  const directory = mkdtempSync(join(tmpdir(), "effect-lsm-pack-"))
  try {
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Packs the package into a directory: `{ tarball, files, size }`, with the paths of its files. */
export const pack = (directory) => {
  const printed = JSON.parse(run("npm", ["pack", "--json", "--silent", "--pack-destination", directory], root))
  // npm 11 prints an array, later ones an object with a property for each package.
  const [packed] = Array.isArray(printed) ? printed : Object.values(printed)
  const files = packed.files.map(({ path }) => path)
  return { tarball: join(directory, packed.filename), files, size: packed.size }
}

/** Makes an empty project. */
export const makeProject = (directory) => {
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }))
  return directory
}
