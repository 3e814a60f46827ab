import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const root = fileURLToPath(new URL("../..", import.meta.url))

const modified = (path: string): number => statSync(join(root, path)).mtimeMs

/** A file of the build; fails where the build is older than its sources, and would show what they did once. */
export const builtFile = (path: string): string => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  const newest = Math.max(...sources.map((source) => modified(join("src", source))))
  if (modified("dist/index.js") < newest) throw new Error("dist is older than src: npm run build")
  return join(root, "dist", path)
}

/**
 * Compiles files one by one, and answers the directory of the results. It lies within the package, whose name they import the
 * build by. A process that compiles for itself, as with tsx, takes two seconds of CPU longer to start.
 */
export const compilePrograms = (name: string, sources: ReadonlyArray<string>): string => {
  builtFile("index.js")
  const directory = join(root, ".tmp", "programs", name)
  mkdirSync(directory, { recursive: true })
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  for (const source of sources) {
    const path = join(directory, basename(source).replace(/ts$/, "js"))
    const { outputText } = ts.transpileModule(readFileSync(join(root, source), "utf8"), { compilerOptions })
    // Another worker may be about to run the same file: it is whole at every moment.
    writeFileSync(`${path}.${process.pid}`, outputText)
    renameSync(`${path}.${process.pid}`, path)
  }
  return directory
}
