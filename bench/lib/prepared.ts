import { createHash } from "node:crypto"
import { constants, cpSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Settings } from "../peers/peer.js"
import type { Entries } from "./entries.js"
import { runPart } from "./process.js"
import type { Figures, Run } from "./row.js"
import { type Open, prepare } from "./session.js"

const part = "prepare"

/** Moves a directory, unless another process was faster. */
const moveUnlessThere = (from: string, to: string): void => {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
    rmSync(from, { recursive: true })
  }
}

/**
 * Runs `use` when the directory of the run has a store with all entries, compacted and closed. The
 * store is made in a separate process, so that it leaves nothing in the memory of this one, and only
 * once for all rows. Each run gets a copy of it.
 */
export const withPrepared = async (
  open: Open,
  run: Run,
  settings: Settings,
  entries: Entries,
  use: () => Promise<Figures>
): Promise<Figures> => {
  if (run.part === part) {
    await prepare(open, run.directory, settings, entries)
    return {}
  }
  const { durability, ...other } = settings
  const text = JSON.stringify([open.store, other, entries.name])
  const path = join(run.shared, createHash("sha256").update(text).digest("hex").slice(0, 16))
  if (!existsSync(path)) {
    const directory = mkdtempSync(join(run.shared, "new-"))
    await runPart({ ...run, directory }, part)
    moveUnlessThere(directory, path)
  }
  cpSync(path, run.directory, { recursive: true, mode: constants.COPYFILE_FICLONE })
  return use()
}
