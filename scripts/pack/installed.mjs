import { lstatSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** How many packages and how many megabytes an install in a project brought. */
export const measure = (project) => {
  const { packages } = JSON.parse(readFileSync(join(project, "node_modules/.package-lock.json"), "utf8"))
  const modules = join(project, "node_modules")
  let bytes = 0
  for (const entry of readdirSync(modules, { recursive: true })) {
    const stats = lstatSync(join(modules, entry))
    if (stats.isFile()) bytes += stats.size
  }
  return { packages: Object.keys(packages).length, megabytes: Math.round(bytes / 1e6) }
}
