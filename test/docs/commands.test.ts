import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { builtFile } from "../support/builtPrograms.js"
import { run } from "./command.js"
import { blocksOf, outputOf } from "./markdown.js"

const blocks = blocksOf("sh").filter(({ text }) => text.startsWith("lsmkv"))
const directories = new Map<string, string>()
let tools: string

beforeAll(() => {
  tools = mkdtempSync(join(tmpdir(), "effect-lsm-docs-bin-"))
  const lsmkv = join(tools, "lsmkv")
  writeFileSync(lsmkv, `#!/bin/sh\nexec "${process.execPath}" "${builtFile("cli/lsmkv.js")}" "$@"\n`)
  chmodSync(lsmkv, 0o755)
})
afterAll(() => {
  for (const directory of [tools, ...directories.values()]) rmSync(directory, { recursive: true, force: true })
})

/** A page's blocks run in one directory, one after the other. */
const directoryOf = (page: string): string => {
  const known = directories.get(page)
  if (known !== undefined) return known
  const made = mkdtempSync(join(tmpdir(), "effect-lsm-docs-"))
  directories.set(page, made)
  return made
}

describe("every command of the guide", () => {
  for (const block of blocks) {
    it(`${block.page}:${block.line}`, async () => {
      const printed = await run("sh", ["-e", "-c", block.text], {
        cwd: directoryOf(block.page),
        env: { ...process.env, PATH: `${tools}${delimiter}${process.env["PATH"]}` }
      })
      const output = outputOf(block)
      if (output !== undefined) expect(printed).toBe(output)
    })
  }
})
