import { execFile } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { basename, join } from "node:path"
import { type Block, root } from "./markdown.js"

/** A block as a program: where its module is, and what the compiler has against it. */
export interface Program {
  readonly block: Block
  readonly module: string
  readonly faults: ReadonlyArray<string>
}

/** Within the package, whose name the programs import the build by. */
const directory = join(root, ".tmp", "docs")

/** The settings of the project, but for where things are. */
const config = {
  extends: "../../tsconfig.json",
  compilerOptions: {
    noEmit: false,
    declaration: false,
    sourceMap: false,
    rootDir: ".",
    outDir: "out",
    paths: {}
  },
  include: ["*.ts"],
  exclude: []
}

const nameOf = ({ page, line }: Block): string => `${basename(page, ".md")}-${line}`

/** What the compiler prints, in a process of its own: it would keep this one from the test runner's messages. */
const compile = (): Promise<string> =>
  new Promise((resolve) => {
    const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc")
    execFile(process.execPath, [compiler, "-p", ".", "--pretty", "false"], { cwd: directory }, (_error, output) =>
      resolve(output)
    )
  })

/** Compiles blocks all in one go: most of the time is Effect's types. */
export const compileBlocks = async (blocks: ReadonlyArray<Block>): Promise<ReadonlyArray<Program>> => {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(config))
  for (const block of blocks) writeFileSync(join(directory, `${nameOf(block)}.ts`), block.text)
  const printed = (await compile()).split("\n")
  const general = printed.filter((line) => line.startsWith("error"))
  return blocks.map((block) => ({
    block,
    module: join(directory, "out", `${nameOf(block)}.js`),
    faults: [...general, ...printed.filter((line) => line.startsWith(`${nameOf(block)}.ts(`))]
  }))
}
