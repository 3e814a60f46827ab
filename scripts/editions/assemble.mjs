// Builds the tree of the edition for Effect 4 in editions/effect4/build: this repository with its
// TypeScript rewritten, and with the files of editions/effect4 instead of those that differ. Nothing
// in the tree is edited by hand.
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { manifestFor4 } from "./manifest.mjs"
import { rewriteFile } from "./rewrite.mjs"
import { absent } from "./rules/index.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))
const edition = join(root, "editions/effect4")

/** The tree that `assemble` writes. */
export const tree = join(edition, "build")

/** What both editions have. */
const shared = [
  ...["src", "test", "bench", "examples", "docs", "scripts/docs"],
  ...["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"],
  ...["tsconfig.json", "tsconfig.build.json", "vitest.config.ts"]
]

/** What a tree may hold besides: it is made by its own scripts. */
const ownFolders = new Set(["node_modules", "dist", "data", "data.acked", ".tmp"])

const filesIn = function* (path) {
  if (!existsSync(path)) return
  if (!statSync(path).isDirectory()) yield path
  else for (const name of readdirSync(path).sort()) if (!ownFolders.has(name)) yield* filesIn(join(path, name))
}

/** The files of editions/effect4, by the path at which they stand in the tree. */
export const ownFiles = () =>
  new Map(
    [...filesIn(edition)]
      .map((path) => [relative(edition, path), path])
      .filter(([name]) => !/^(build|package(-lock)?\.json|README\.md)/.test(name))
  )

/** The program of the root, for Effect 3. */
const readProgram = () => {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile)
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  return ts.createProgram(fileNames, options)
}

/** Returns a function that gives the text of a file of the root, rewritten if it is TypeScript. */
export const rewriter = () => {
  const program = readProgram()
  const checker = program.getTypeChecker()
  return (path) => {
    const source = program.getSourceFile(path)
    return source === undefined ? readFileSync(path) : Buffer.from(rewriteFile(source, checker))
  }
}

/** Digests of what was written, before it was formatted. */
const digests = join(tree, ".tmp", "digests.json")

/** Writes the files that have changed, and formats them. All others stay as they are, with their times. */
const write = (files) => {
  const before = existsSync(digests) ? JSON.parse(readFileSync(digests, "utf8")) : {}
  const after = {}
  const changed = []
  for (const [name, contentOf] of files) {
    const path = join(tree, name)
    const content = contentOf()
    after[name] = createHash("sha256").update(content).digest("hex")
    if (after[name] === before[name] && existsSync(path)) continue
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    changed.push(path)
  }
  format(changed.filter((path) => path.endsWith(".ts")))
  mkdirSync(dirname(digests), { recursive: true })
  writeFileSync(digests, JSON.stringify(after))
}

/** Formats and sorts imports as in the root. The tree is ignored by git, so biome has to be told to look. */
const format = (paths) => {
  if (paths.length === 0) return
  const biome = createRequire(import.meta.url).resolve("@biomejs/biome/bin/biome")
  const words = ["check", "--write", "--vcs-enabled=false", "--linter-enabled=false", "--log-level=none", ...paths]
  spawnSync(process.execPath, [biome, ...words], { cwd: root, stdio: ["ignore", "ignore", "inherit"] })
}

export const assemble = () => {
  const rewritten = rewriter()
  const files = new Map()
  for (const entry of shared) {
    for (const path of filesIn(join(root, entry))) files.set(relative(root, path), () => rewritten(path))
  }
  for (const name of absent) files.delete(name)
  for (const [name, path] of ownFiles()) files.set(name, () => readFileSync(path))
  const read = (path) => JSON.parse(readFileSync(path, "utf8"))
  const manifest = manifestFor4(read(join(root, "package.json")), read(join(edition, "package.json")))
  files.set("package.json", () => Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`))
  write(files)
  for (const path of filesIn(tree)) if (!files.has(relative(tree, path))) rmSync(path)
}
