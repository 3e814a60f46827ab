import { cpSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { root, run, tsc } from "./tools.mjs"

/** Checks with `tsc --strict` that components can be replaced by means of the published types alone. */
export const compileReplacements = (project) => {
  const folder = "replacements"
  cpSync(join(root, "test/components", folder), join(project, folder), { recursive: true })
  const files = readdirSync(join(project, folder)).map((file) => join(folder, file))
  const options = [
    "--noEmit",
    "--strict",
    "--exactOptionalPropertyTypes",
    "--noUncheckedIndexedAccess",
    "--skipLibCheck"
  ]
  const modules = ["--module", "NodeNext", "--moduleResolution", "NodeNext", "--target", "ES2023"]
  run(process.execPath, [tsc, ...options, ...modules, ...files], project)
  return files.length
}
