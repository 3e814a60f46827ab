import { spawn } from "node:child_process"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))
let program: string
let data: string

/** Compiled within the package, whose name its imports resolve to the built files by; compiled once, for that tsx takes seconds. */
beforeAll(async () => {
  await mkdir(join(root, ".tmp"), { recursive: true })
  program = await mkdtemp(join(root, ".tmp", "cities-"))
  data = await mkdtemp(join(tmpdir(), "effect-lsm-cities-"))
  const source = join(root, "examples", "cities")
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  for (const file of await readdir(source)) {
    if (file.endsWith(".d.ts")) continue
    const { outputText } = ts.transpileModule(await readFile(join(source, file), "utf8"), { compilerOptions })
    await writeFile(join(program, file.replace(/ts$/, "js")), outputText)
  }
})
afterAll(async () => {
  await rm(program, { recursive: true })
  await rm(data, { recursive: true })
})

const cities = (...options: ReadonlyArray<string>) =>
  new Promise<{ readonly output: string; readonly code: number | null; readonly signal: string | null }>((resolve) => {
    const child = spawn(process.execPath, [join(program, "main.js"), "--directory", join(data, "store"), ...options])
    let output = ""
    const collect = (text: Buffer) => {
      output += text.toString()
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    child.on("close", (code, signal) => resolve({ output, code, signal }))
  })

/** What every complete run ends with. */
const answers = [
  "The 33 cities of Iceland, by name",
  "The 10 cities that come after Lyon",
  "The last 5 cities, in reverse",
  "9,940 cities in IT",
  "0 cities in US",
  "118,556 cities in all",
  "  FR  Lyon (472,317) at"
]

describe("the example", () => {
  it("is killed after 20 acknowledged batches", async () => {
    const { output, signal } = await cities("--kill-at", "20")
    expect(output).toContain("20 batches acknowledged: now this process kills itself")
    expect(signal).toBe("SIGKILL")
    expect(output).not.toContain("Imported")
  })

  it("finds every acknowledged batch, no part of another, and goes on from there", async () => {
    const { output, code } = await cities()
    expect(output).toContain("Checked every value: all 20 acknowledged batches are there")
    // The batch that was on its way may have arrived, whole.
    expect(output).toMatch(/(20 batches are complete, 251 absent|21 batches are complete, 250 absent), 0 there in part/)
    expect(output).toContain("Removed the 16,677 cities of US")
    for (const answer of answers) expect(output).toContain(answer)
    expect(code).toBe(0)
  })

  it("finds all cities there when it is run again, with the same answers", async () => {
    const { output, code } = await cities()
    expect(output).toContain("271 batches are complete, 0 absent, 0 there in part")
    expect(output).toContain("All cities are there from an earlier run: no import")
    expect(output).toContain("The cities of US were removed by an earlier run")
    for (const answer of answers) expect(output).toContain(answer)
    expect(code).toBe(0)
  })
})
