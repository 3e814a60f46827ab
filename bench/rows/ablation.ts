import type { Tuning } from "effect-lsm/LsmOptions"
import { missingKeys, randomEntries, sequentialEntries } from "../lib/entries.js"
import { asSmallAs, atLeast, us } from "../lib/judges.js"
import { directoryBytes } from "../lib/measured.js"
import type { Row, Run } from "../lib/row.js"
import { inBatches, inOrder, prepare, withSession } from "../lib/session.js"
import { mixes } from "../lib/ycsb.js"
import type { Kind } from "../loops/index.js"
import { usual } from "../peers/peer.js"
import { type Measure, type Other, openUs } from "./contenders.js"
import { course, type MakePlan, measured } from "./plan.js"
import * as Plans from "./plans.js"

/** Measures effect-lsm with and without one part. */
const without = (title: string, name: string, measure: Measure, tuning: Tuning, other?: Other): Row => ({
  title,
  contenders: {
    [us]: (run: Run) => measure(openUs(), run),
    [name]: (run: Run) => measure(openUs(other, tuning), run)
  },
  judges: [atLeast(us, 1, name)]
})

const loop = (kind: Kind, plan: MakePlan): Measure => measured(kind, plan)

/** The size on disk of entries whose keys count up, and a scan of them. */
const sizeAndWalk: Measure = async (open, run) => {
  const entries = sequentialEntries(run.entries)
  await prepare(open, run.directory, usual, entries)
  const bytes = directoryBytes(run.directory) / run.entries
  const walks = course(run, 3, { slice: 1, twice: true, weight: run.entries })
  const figures = await withSession(open, run.directory, usual, (session) =>
    session.run("walks", inOrder(entries), walks)
  )
  return { ...figures, "bytes/entry": bytes }
}

/**
 * Gets of absent keys after several flushes, compacted or not. Each get has to check every table or
 * its filter.
 */
const levels =
  (compacted: boolean): Measure =>
  async (open, run) => {
    const settings = { ...usual, writeBufferBytes: run.entries * 12 }
    await withSession(open, run.directory, settings, async (session) => {
      await inBatches(session, randomEntries(run.entries))
      if (compacted) await session.compact()
    })
    const gets = course(run, run.entries, { twice: true })
    const work = inOrder(missingKeys(run.entries))
    return withSession(open, run.directory, settings, (session) => session.run("gets", work, gets))
  }

const notCompacted = "without compaction"

/**
 * A row for each part of the design that makes something faster or smaller, with and without it.
 */
export const ablationRows: Readonly<Record<string, Row>> = {
  "ablation-filter": without("readmissing without filters", "without filters", loop("gets", Plans.readMissing), {
    filterFalsePositiveRate: 1
  }),
  "ablation-cache": without("readrandom without a block cache", "without cache", loop("gets", Plans.readRandom), {
    blockCacheBytes: 0
  }),
  "ablation-entryCache": without("ycsbC without an entry cache", "without entries", loop("ycsb", Plans.ycsb(mixes.C)), {
    entryCacheBytes: 0
  }),
  "ablation-groupCommit": without(
    "fillsync64 without shared syncs",
    "one put a sync",
    loop("concurrentPuts", Plans.fillSyncedConcurrently),
    {},
    "oneAtATime"
  ),
  "ablation-prefixes": {
    ...without("size and readseq of keys that count up, each key stored whole", "whole keys", sizeAndWalk, {
      restartInterval: 1
    }),
    judges: [asSmallAs("whole keys", "bytes/entry")]
  },
  "ablation-chunks": without(
    "readseq with chunks of one entry",
    "entry by entry",
    loop("walks", Plans.walk),
    {},
    "entryByEntry"
  ),
  "ablation-sampling": without(
    "readrandom with every get timed for the histograms",
    "all timed",
    loop("gets", Plans.readRandom),
    { latencySampling: 1 }
  ),
  "ablation-compaction": {
    title: "readmissing from level 0, never compacted",
    contenders: {
      [us]: (run) => levels(true)(openUs(), run),
      [notCompacted]: (run) => levels(false)(openUs(undefined, { level0Tables: 1000, level0SlowdownTables: 1000 }), run)
    },
    judges: [atLeast(us, 1, notCompacted)]
  }
}
