import { spawn } from "node:child_process"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { compilePrograms } from "../support/builtPrograms.js"

const root = fileURLToPath(new URL("../..", import.meta.url))
let program: string
let data: string

beforeAll(async () => {
  const source = join("examples", "cities")
  const files = (await readdir(join(root, source))).filter((file) => !file.endsWith(".d.ts"))
  const compiled = compilePrograms(
    "cities",
    files.map((file) => join(source, file))
  )
  program = join(compiled, "main.js")
  data = await mkdtemp(join(tmpdir(), "effect-lsm-cities-"))
})
afterAll(() => rm(data, { recursive: true }))

const citiesIn = (directory: string, ...options: ReadonlyArray<string>) =>
  new Promise<{ readonly output: string; readonly code: number | null; readonly signal: string | null }>((resolve) => {
    const child = spawn(process.execPath, [program, "--directory", join(data, directory), ...options])
    let output = ""
    const collect = (text: Buffer) => {
      output += text.toString()
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    child.on("close", (code, signal) => resolve({ output, code, signal }))
  })

const cities = (...options: ReadonlyArray<string>) => citiesIn("store", ...options)

/** Lines at the end of every complete run. */
const results = [
  "The 33 cities of Iceland, by name",
  "The 10 cities that come after Lyon",
  "The last 5 cities, in reverse",
  "9,940 cities in IT",
  "0 cities in US",
  "118,556 cities in all",
  "  FR  Lyon (472,317) at"
]

describe("the cities example", () => {
  it("is killed after 20 acknowledged batches", async () => {
    const { output, signal } = await cities("--kill-at", "20")
    expect(output).toContain("20 batches acknowledged: now this process kills itself")
    expect(signal).toBe("SIGKILL")
    expect(output).not.toContain("Imported")
  })

  it("finds every acknowledged batch and no partial one, and continues from there", async () => {
    const { output, code } = await cities()
    expect(output).toContain("Checked every value: all 20 acknowledged batches are there")
    // The batch in flight at the kill may be there, but only complete.
    expect(output).toMatch(/(20 batches are complete, 251 absent|21 batches are complete, 250 absent), 0 there in part/)
    expect(output).toContain("Removed the 16,677 cities of US")
    for (const result of results) expect(output).toContain(result)
    expect(code).toBe(0)
  })

  it("finds all cities when it is run again, and prints the same results", async () => {
    const { output, code } = await cities()
    expect(output).toContain("271 batches are complete, 0 absent, 0 there in part")
    expect(output).toContain("All cities are there from an earlier run: no import")
    expect(output).toContain("The cities of US were removed by an earlier run")
    for (const result of results) expect(output).toContain(result)
    expect(code).toBe(0)
  })

  it("starts in a process that is killed partway, and continues from what it left", async () => {
    const { output, code } = await citiesIn("default")
    expect(output).toContain("100 batches acknowledged: now this process kills itself")
    expect(output).toContain("It was killed by SIGKILL")
    expect(output).toContain("Checked every value: all 100 acknowledged batches are there")
    expect(output).toMatch(
      /(100 batches are complete, 171 absent|101 batches are complete, 170 absent), 0 there in part/
    )
    expect(output).toMatch(/Imported [\d,]+ cities \(.+, [\d,]+ a second\)/)
    for (const result of results) expect(output).toContain(result)
    expect(code).toBe(0)
  })
})
