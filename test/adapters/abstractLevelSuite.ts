import { mkdtempSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import type { LsmLevel } from "effect-lsm/AbstractLevel"

/** An assertion of tape. */
interface Assertion {
  readonly type: string
  readonly ok?: boolean
  readonly name?: string
  readonly test?: number
  readonly error?: unknown
  readonly expected?: unknown
  readonly actual?: unknown
}

/** What a run of a suite came to. */
export interface Outcome {
  readonly assertions: number
  readonly failures: ReadonlyArray<string>
}

interface Harness {
  createStream(options: { readonly objectMode: true }): NodeJS.ReadableStream
}

const require = createRequire(import.meta.url)
const { createHarness } = require("tape") as { createHarness: () => Harness }
const runSuite = require("abstract-level/test") as (options: object) => void

/** Runs the suite that abstract-level ships for implementations, and closes the databases that it leaves open. */
export const runLevelSuite = async (factory: (options: object | undefined) => LsmLevel): Promise<Outcome> => {
  const databases: Array<LsmLevel> = []
  const test = createHarness()
  const names = new Map<number, string>()
  const failures: Array<string> = []
  let assertions = 0
  const stream = test.createStream({ objectMode: true })
  const outcome = new Promise<Outcome>((resolve, reject) => {
    stream.on("data", (row: Assertion & { readonly id?: number }) => {
      if (row.type === "test") names.set(row.id!, row.name!)
      if (row.type !== "assert") return
      assertions++
      if (row.ok !== true) failures.push(`${names.get(row.test!)}: ${row.name} ${String(row.error ?? "")}`)
    })
    stream.on("end", () => resolve({ assertions, failures }))
    stream.on("error", reject)
  })
  const keeping = (options: object | undefined) => {
    const database = factory(options)
    databases.push(database)
    return database
  }
  runSuite({ test, factory: keeping })
  try {
    return await outcome
  } finally {
    // One test leaves a database that cannot be closed.
    await Promise.allSettled(databases.map((database) => database.close()))
  }
}

/** A directory of its own in `parent` for each database. */
export const freshLocation = (parent: string): string => join(mkdtempSync(join(parent, "level-")), "db")
