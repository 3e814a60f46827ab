import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { builtFile } from "../support/builtPrograms.js"
import { startExample } from "../support/exampleProgram.js"

let directory: string

beforeAll(() => {
  builtFile("index.js")
  directory = mkdtempSync(join(tmpdir(), "effect-lsm-examples-"))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** Runs an example to its end. Its temporary files are in the test's directory. */
const run = (file: string, env: NodeJS.ProcessEnv = {}) => startExample(file, { TMPDIR: directory, ...env }).ended

/** tsx keeps a cache in the directory for temporary files. */
const leftBehind = () => readdirSync(directory).filter((name) => !name.startsWith("tsx-"))

describe("first-program", () => {
  it("prints the entries that it wrote, and finds them on the next run", async () => {
    const env = { DIRECTORY: join(directory, "first") }
    const first = await run("first-program.ts", env)
    expect(first.code, first.output).toBe(0)
    expect(first.output).toContain("Run 1 of this store")
    expect(first.output).toContain("user:1 is Ada\nuser:2 is Grace\nuser:3 is Edsger\n")
    const second = await run("first-program.ts", env)
    expect(second.output).toBe(first.output.replace("Run 1", "Run 2"))
    rmSync(env.DIRECTORY, { recursive: true })
  })
})

describe("two-stores", () => {
  it("keeps orders and pages separate, and leaves no files behind", async () => {
    const { output, code } = await run("two-stores.ts")
    expect(output).toBe("<h1>a lamp</h1>\n<h1>a lamp</h1> (cached)\n<h1>two lamps</h1>\norders: 1, pages: 1\n")
    expect(code).toBe(0)
    expect(leftBehind()).toStrictEqual([])
  })
})

describe("durable-workflow", () => {
  it("prints the results that it recorded, and does not make them anew on the next run", async () => {
    const env = { DIRECTORY: join(directory, "durable"), ORDERS: "3" }
    const first = await run("durable-workflow.ts", env)
    expect(first.code, first.output).toBe(0)
    const linesOf = (output: string) => output.trimEnd().split("\n").sort()
    expect(linesOf(first.output)).toHaveLength(8)
    expect(first.output).toMatch(/^order 3: (\S+) from shelf 3$/m)
    expect(first.output).toMatch(/^finished 3 orders$/m)
    const second = await run("durable-workflow.ts", env)
    expect(linesOf(second.output)).toStrictEqual(linesOf(first.output))
    rmSync(env.DIRECTORY, { recursive: true })
  })
})

describe("tenants", () => {
  it("opens a store for each tenant, few at a time, and tells of one that is damaged", async () => {
    const { output, code } = await run("tenants/main.ts", { TENANTS: "40" })
    expect(code, output).toBe(0)
    expect(output).toMatch(/^new stores: 40 tenants in .*; 40 opens, 8 closes, 32 open, at most 32; \d+ MiB resident$/m)
    expect(output).toContain("\ntenants with 2 tickets: 40\n")
    expect(output).toMatch(/^400 requests to 4 tenants: [0-4] opens$/m)
    expect(output).toContain("\ntenant-0 was removed, and begins again with ticket 1\n")
    expect(output).toMatch(/^tenant-1 was damaged: .*CURRENT/m)
    expect(output).toMatch(/^tenant-2 goes on with ticket \d+$/m)
    expect(leftBehind()).toStrictEqual([])
  })
})

describe("full-text-search", () => {
  it("finds sections of the guide, and leaves no files behind", async () => {
    const { output, code } = await run("full-text-search/main.ts")
    expect(code, output).toBe(0)
    expect(output).toMatch(/^Indexed \d{3} sections with \d{5} words/m)
    expect(output).toMatch(/^power cut \(\d+ ms\)\n +\d+\.\d\d {2}docs\/[\w/-]+\.md#[\w-]+$/m)
    expect(output.match(/^zebra \(\d+ ms\): nothing$/gm)).toHaveLength(2)
    expect(output).toMatch(/^zebra \(\d+ ms\)\n +\d+\.\d\d {2}zoo$/m)
    expect(output).toContain("\nDifferences between documents and index: 0\n")
    expect(leftBehind()).toStrictEqual([])
  })
})

describe("ledger", () => {
  it("goes on after it was killed, and has a view that is what its events add up to", async () => {
    const env = { TMPDIR: directory, DIRECTORY: join(directory, "ledger"), ENTRIES: "60" }
    const killed = startExample("ledger/main.ts", env)
    await killed.match(/The journal has 0 events/)
    await new Promise((done) => setTimeout(done, 100))
    killed.child.kill("SIGKILL")
    await killed.ended
    const first = await run("ledger/main.ts", env)
    expect(first.code, first.output).toBe(0)
    expect(first.output).toMatch(/^Sent 60 entries: \d+ would have overdrawn an account$/m)
    const [, events] = /^The view is what the (\d+) events add up to$/m.exec(first.output)!
    expect(first.output).toMatch(/^Sum +0\.00$/m)
    const second = await run("ledger/main.ts", env)
    expect(second.output).toContain(`The journal has ${events} events from before`)
    expect(second.output).toContain("The view is what")
    rmSync(env.DIRECTORY, { recursive: true })
  })
})

describe("time-series", () => {
  it("merges the samples of all runs", async () => {
    const env = { DIRECTORY: join(directory, "series"), SECONDS: "1" }
    const samplesOf = (output: string) => Number(/minutes of all runs together\n\S+ +(\d+) /.exec(output)?.[1])
    const first = await run("time-series/main.ts", env)
    expect(first.code, first.output).toBe(0)
    expect(samplesOf(first.output)).toBeGreaterThan(0)
    const second = await run("time-series/main.ts", env)
    expect(samplesOf(second.output), second.output).toBeGreaterThan(samplesOf(first.output))
    rmSync(env.DIRECTORY, { recursive: true })
  })
})

describe("worker-thread", () => {
  it("serves requests from a thread, which ends after its store has closed", async () => {
    const { output, code } = await run("worker-thread.ts")
    expect(output).toContain("User 2")
    expect(output).toContain("user:1\nuser:2\nuser:3\nThe thread has closed the store\n")
    expect(code).toBe(0)
    expect(leftBehind()).toStrictEqual([])
  })
})
