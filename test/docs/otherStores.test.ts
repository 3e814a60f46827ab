import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { run } from "./command.js"
import { type Block, blocksOf, guide, root } from "./markdown.js"

/** Programs of other stores are marked with the package that they import, which may be among those that are measured. */
const packageOf = ({ info }: Block): string => info.split(" ")[1]!
const isInstalled = (name: string): boolean => existsSync(join(root, "bench", "node_modules", name))

const write = (block: Block): string => {
  const directory = join(root, "bench", ".tmp", "docs")
  mkdirSync(directory, { recursive: true })
  const module = join(directory, `${packageOf(block).replaceAll("/", "-")}-${block.line}.mjs`)
  writeFileSync(module, block.text)
  return module
}

const node = async (...args: ReadonlyArray<string>): Promise<string> => {
  const cwd = mkdtempSync(join(tmpdir(), "effect-lsm-docs-"))
  try {
    return await run(process.execPath, args, { cwd })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

describe("every program of another store", () => {
  for (const block of blocksOf("js")) {
    const name = packageOf(block)

    it(`${block.page}:${block.line} can be parsed`, async () => {
      await node("--check", write(block))
    })

    it.runIf(isInstalled(name))(`${block.page}:${block.line} prints what the one beside it prints`, async () => {
      const { blocks } = guide.find(({ path }) => path === block.page)!
      const output = blocks.slice(blocks.indexOf(block)).find(({ info }) => info === "output")
      expect(await node(write(block))).toBe(output!.text)
    })
  }
})
