import assert from "node:assert/strict"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ClassicLevel } from "classic-level"
import { LsmLevel } from "../../../dist/AbstractLevel.js"

/** Runs a program with each class of databases and an empty directory. It must return the same with both. */
export const withBoth = async (program) => {
  const results = []
  for (const Level of [ClassicLevel, LsmLevel]) {
    const directory = await mkdtemp(join(tmpdir(), "effect-lsm-client-"))
    try {
      results.push(await program(Level, join(directory, "db")))
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  }
  assert.deepEqual(results[1], results[0])
  return results[1]
}
