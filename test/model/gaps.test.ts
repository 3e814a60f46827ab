import { expect, it } from "@effect/vitest"
import { DeletedGaps } from "../../src/core/cursor/deletedGaps.js"
import { VisibleCursor } from "../../src/core/cursor/visibleCursor.js"
import { runCommands } from "./check.js"
import { drawProgram } from "./commands.js"
import { configurations } from "./configurations.js"

const seed = 20_260_101

/** The first fault of a few lists of commands, on the configurations in which gaps form all the time. */
const firstFault = async (): Promise<string | undefined> => {
  for (let i = 0; i < 8; i++) {
    for (const [configuration, { gapsOf }] of configurations.entries()) {
      if (gapsOf === undefined) continue
      const { fault } = await runCommands(seed + i, configuration, drawProgram(seed + i, 200, false))
      if (fault !== undefined) return fault
    }
  }
  return undefined
}

it("a put that does not cut gaps of deleted entries is shown by the model", async () => {
  const { insert } = DeletedGaps.prototype
  DeletedGaps.prototype.insert = () => undefined
  try {
    expect(await firstFault()).toBeDefined()
  } finally {
    DeletedGaps.prototype.insert = insert
  }
}, 120_000)

it("a scan backward that looks for gaps outside its range is shown by the model", async () => {
  const cursor = VisibleCursor.prototype as unknown as { passKey(isInRange?: boolean): boolean }
  const { passKey } = cursor
  cursor.passKey = function () {
    return passKey.call(this, true)
  }
  try {
    expect(await firstFault()).toBeDefined()
  } finally {
    cursor.passKey = passKey
  }
}, 120_000)
