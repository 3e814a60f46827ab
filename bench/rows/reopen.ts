import { mkdirSync } from "node:fs"
import { computedEntries, type Entries, randomEntries } from "../lib/entries.js"
import { below, us } from "../lib/judges.js"
import { withPrepared } from "../lib/prepared.js"
import { killSelf, runPart } from "../lib/process.js"
import { noteBeforeOpen } from "../lib/resident.js"
import type { Figures, Row, Run } from "../lib/row.js"
import { inBatches, type Open, prepare, whole } from "../lib/session.js"
import { MiB, type Settings, usual } from "../peers/peer.js"
import { everyone, type Measure, openUs } from "./contenders.js"

const both = "open and get ms"

/** Opens a store and gets one entry. */
const timed = async (open: Open, directory: string, settings: Settings, entries: Entries): Promise<Figures> => {
  const begin = performance.now()
  const session = await open(directory, settings)
  const opened = performance.now()
  await session.run("gets", { entries, order: Uint32Array.of(0) }, whole(1))
  const end = performance.now()
  await session.close()
  return { [both]: end - begin, "open ms": opened - begin }
}

/** What a process has done before it opens the store that is measured. */
type Before = (open: Open, run: Run) => Promise<void>

/** Loads the modules, but opens nothing. */
const loadOnly: Before = async (open) => {
  noteBeforeOpen()
  await open.load()
}

/** Opens a new store, so that everything that a store loads when it is opened is there. */
const openNew: Before = async (open, { directory }) => {
  const other = `${directory}-other`
  mkdirSync(other)
  const session = await open(other, usual)
  await session.close()
}

/** Opens and reads another existing store, so that the code is compiled. */
const openBefore: Before = async (open, run) => {
  await openNew(open, run)
  const another = `${run.directory}-another`
  mkdirSync(another)
  const entries = randomEntries(1000)
  await prepare(open, another, usual, entries)
  await timed(open, another, usual, entries)
}

const clean =
  (before: Before, full?: number): Measure =>
  async (open, run) => {
    const count = full === undefined ? run.entries : run.quick ? full / 100 : full
    const entries = computedEntries(count)
    return withPrepared(open, run, usual, entries, async () => {
      await before(open, run)
      return timed(open, run.directory, usual, entries)
    })
  }

/** Keeps all entries in the log. */
const logging: Settings = { ...usual, writeBufferBytes: 256 * MiB, keepLog: true }

const afterKill: Measure = async (open, run) => {
  const entries = computedEntries(Math.floor(((run.quick ? 2 : 64) * MiB) / 116))
  if (run.part !== undefined) {
    const session = await open(run.directory, logging)
    await inBatches(session, entries)
    return killSelf()
  }
  await runPart(run, "fill")
  await openNew(open, run)
  return timed(open, run.directory, logging, entries)
}

export const reopenRows: Readonly<Record<string, Row>> = {
  openInProgram: {
    title: "opening a closed store and getting one entry, in a process that has loaded the modules but opened nothing",
    contenders: everyone(clean(loadOnly)),
    judges: [below(10, both)]
  },
  "openInProgram-10M": {
    title: "the same with 10,000,000 entries",
    contenders: everyone(clean(loadOnly, 10_000_000)),
    judges: [below(20, both)],
    when: "full"
  },
  reopenClean: {
    title: "the same in a process that has opened and closed a new store",
    contenders: {
      ...everyone(clean(openNew)),
      [`${us} later`]: (run) => clean(openBefore)(openUs(), run)
    },
    judges: [below(10, both), below(10, both, `${us} later`)]
  },
  reopenKilled: {
    title: "the same after a kill with 64 MiB of entries in the log",
    contenders: everyone(afterKill)
  }
}
