// Builds the tree of the edition for Effect 4 in editions/effect4/build: the sources and tests of this repository, rewritten, with
// the files of editions/effect4 that replace them. Nothing in the tree is edited by hand.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { rewriteFile } from "./rewrite.mjs"
import { absent } from "./rules.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))
const edition = join(root, "editions/effect4")
const target = join(edition, "build")

/** Folders and files that both editions share. */
const shared = ["src", "test", "examples", "tsconfig.json", "tsconfig.build.json", "vitest.config.ts"]

const walk = function* (path) {
  if (!existsSync(path)) return
  if (!statSync(path).isDirectory()) yield path
  else
    for (const name of readdirSync(path)) if (name !== "node_modules" && name !== ".tmp") yield* walk(join(path, name))
}

const write = (path, content) => {
  mkdirSync(dirname(path), { recursive: true })
  if (existsSync(path) && readFileSync(path).equals(Buffer.from(content))) return
  writeFileSync(path, content)
}

/** The program of the root, for Effect 3. */
const readProgram = () => {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile)
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  return ts.createProgram(fileNames, options)
}

export const assemble = () => {
  const program = readProgram()
  const checker = program.getTypeChecker()
  const made = new Set()
  const put = (name, content) => {
    made.add(name)
    write(join(target, name), content)
  }
  for (const folder of ["src", "test", "examples"]) {
    for (const path of walk(join(edition, folder))) put(relative(edition, path), readFileSync(path))
  }
  for (const entry of shared) {
    for (const path of walk(join(root, entry))) {
      const name = relative(root, path)
      if (made.has(name) || absent.includes(name)) continue
      const source = program.getSourceFile(path)
      put(name, source === undefined ? readFileSync(path) : rewriteFile(source, checker))
    }
  }
  for (const entry of shared)
    for (const path of walk(join(target, entry))) if (!made.has(relative(target, path))) rmSync(path)
}

assemble()
