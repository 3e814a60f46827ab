import { beforeAll, describe, expect, it } from "vitest"
import { compileBlocks, type Program } from "./compile.js"
import { blocksOf, outputOf } from "./markdown.js"
import { type Ending, runModules } from "./run.js"

const blocks = blocksOf("ts")
let programs: ReadonlyArray<Program>
let endings: ReadonlyMap<string, Ending>

beforeAll(async () => {
  programs = await compileBlocks(blocks)
  endings = await runModules(programs.map(({ module }) => module))
}, 300_000)

describe("every program of the guide", () => {
  for (const [at, block] of blocks.entries()) {
    it(`${block.page}:${block.line}`, () => {
      const { faults, module } = programs[at]!
      expect(faults).toEqual([])
      const { printed, error } = endings.get(module)!
      expect(error).toBeUndefined()
      const output = outputOf(block)
      if (output !== undefined) expect(printed).toBe(output)
    })
  }
})
