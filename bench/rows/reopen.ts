import { mkdirSync } from "node:fs"
import { randomEntries } from "../lib/entries.js"
import { below, us } from "../lib/judges.js"
import { killSelf, prepareApart } from "../lib/process.js"
import type { Figures, Row, Run } from "../lib/row.js"
import { inBatches, type Open, prepare, whole } from "../lib/session.js"
import { MiB, type Settings, usual } from "../peers/peer.js"
import { everyone, type Measure, openUs } from "./contenders.js"

/** Opens a store and gets one entry. */
const timed = async (open: Open, { directory }: Run, settings: Settings): Promise<Figures> => {
  const entries = randomEntries(1)
  const begin = performance.now()
  const session = await open(directory, settings)
  await session.run("gets", { entries, order: Uint32Array.of(0) }, whole(1))
  const millis = performance.now() - begin
  await session.close()
  return { ms: millis }
}

/** Loads the modules that a program has usually loaded before it opens a store. */
const load = async (open: Open, { directory }: Run): Promise<void> => {
  const other = `${directory}-other`
  mkdirSync(other)
  const session = await open(other, usual)
  await session.close()
}

/** Opens and reads another existing store, so that the code is compiled. */
const openBefore = async (open: Open, { directory, ...run }: Run): Promise<void> => {
  const another = `${directory}-another`
  mkdirSync(another)
  await prepare(open, another, usual, randomEntries(1000))
  await timed(open, { ...run, directory: another }, usual)
}

const clean =
  (before: typeof load): Measure =>
  async (open, run) => {
    if (run.preparing === true) {
      await prepare(open, run.directory, usual, randomEntries(run.entries))
      return {}
    }
    await prepareApart(run)
    await load(open, run)
    await before(open, run)
    return timed(open, run, usual)
  }

const nothing = async (): Promise<void> => undefined

/** Keeps all entries in the log. */
const logging: Settings = { ...usual, writeBufferBytes: 256 * MiB, keepLog: true }

const afterKill: Measure = async (open, run) => {
  if (run.preparing === true) {
    const session = await open(run.directory, logging)
    await inBatches(session, randomEntries(Math.floor(((run.quick ? 2 : 64) * MiB) / 116)))
    return killSelf()
  }
  await prepareApart(run)
  await load(open, run)
  return timed(open, run, logging)
}

export const reopenRows: Readonly<Record<string, Row>> = {
  reopenClean: {
    title: "opening a closed store and getting one entry, in a fresh process",
    contenders: {
      ...everyone(clean(nothing)),
      [`${us} later`]: (run) => clean(openBefore)(openUs(), run)
    },
    judges: [below(10, "ms"), below(10, "ms", `${us} later`)]
  },
  reopenKilled: {
    title: "the same after a kill with 64 MiB of entries in the log",
    contenders: everyone(afterKill)
  }
}
