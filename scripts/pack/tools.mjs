import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { tree } from "../editions/assemble.mjs"

/** The clone. */
export const clone = fileURLToPath(new URL("../..", import.meta.url))

/** The major of Effect whose edition is packed: that of the clone, or with the word `effect4` that of its tree. */
export const major = process.argv.includes("effect4") ? 4 : 3

/** The package that is packed. */
export const root = major === 4 ? tree : clone

/** TypeScript's compiler. */
export const tsc = join(clone, "node_modules/typescript/bin/tsc")

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
