import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = fileURLToPath(new URL("../..", import.meta.url))

const modified = (path: string): number => statSync(join(root, path)).mtimeMs

/** Returns the path of a built file. Throws if the build is older than its sources. */
export const builtFile = (path: string): string => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  const newest = Math.max(...sources.map((source) => modified(join("src", source))))
  if (modified("dist/index.js") < newest) throw new Error("dist is older than src: npm run build")
  return join(root, "dist", path)
}

/**
 * Compiles files one by one, and returns the directory of the results. The directory is inside the
 * package, so that the programs can import the build under the package's own name. A process that
 * compiles at start, as with tsx, starts much slower.
 */
export const compilePrograms = (name: string, sources: ReadonlyArray<string>): string => {
  builtFile("index.js")
  const directory = join(root, ".tmp", "programs", name)
  mkdirSync(directory, { recursive: true })
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  for (const source of sources) {
    const path = join(directory, basename(source).replace(/ts$/, "js"))
    const { outputText } = ts.transpileModule(readFileSync(join(root, source), "utf8"), { compilerOptions })
    // Another test worker may run the same file at this moment, so replace it atomically.
    writeFileSync(`${path}.${process.pid}`, outputText)
    renameSync(`${path}.${process.pid}`, path)
  }
  return directory
}
