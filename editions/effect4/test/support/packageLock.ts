import { readFileSync } from "node:fs"

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"))

/**
 * Reads the lock files of the packages that the package is tested with: its dependencies are locked
 * for both editions, and Effect for this one.
 */
export const packageLock = () => {
  const shared = read("../../../../../package-lock.json")
  const { packages } = read("../../../package-lock.json")
  const version: string = shared.version.replace(/^3\./, "4.")
  const dependencies = Object.keys(shared.packages[""].dependencies).map((name) => `node_modules/${name}`)
  return {
    version,
    packages: {
      ...Object.fromEntries(dependencies.map((name) => [name, shared.packages[name]])),
      ...packages,
      "": { version }
    }
  }
}
