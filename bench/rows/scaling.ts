import { mkdirSync } from "node:fs"
import { computedEntries, draws, missingKeys, permutation } from "../lib/entries.js"
import { asFastAsBest, us } from "../lib/judges.js"
import { directoryBytes, MiB, peakMiB, residentMiB } from "../lib/measured.js"
import { runPart } from "../lib/process.js"
import { resident } from "../lib/resident.js"
import type { Figures, Row, Run } from "../lib/row.js"
import { inBatches, inOrder, type Open, whole, withSession } from "../lib/session.js"
import { seekLength } from "../loops/reads.js"
import { usual } from "../peers/peer.js"
import { everyone, inProcess, type Measure, openUs } from "./contenders.js"
import { course, rehearsed } from "./plan.js"

/** Most operations of each loop. */
const most = 200_000

/**
 * Runs several rows, one after the other, on one store of `count` entries. `whenFilled` runs while
 * the store is full, compacted and closed.
 */
const severalRows = async (
  open: Open,
  run: Run,
  count: number,
  whenFilled: () => Promise<Figures> = async () => ({})
): Promise<Figures> => {
  const operations = Math.min(count, most)
  const entries = computedEntries(count)
  const some = (number: number) => course(run, number, { twice: true })
  const rehearsal = `${run.directory}-rehearsal`
  mkdirSync(rehearsal)
  const part = { ...entries, count: Math.min(rehearsed(run) * 2, count) }
  await withSession(open, rehearsal, usual, (session) => inBatches(session, part))
  const fill = await withSession(open, run.directory, usual, async (session) => {
    const figures = await inBatches(session, entries)
    await session.compact()
    return figures
  })
  const more = await whenFilled()
  const order = draws(operations, count, 5)
  const begin = performance.now()
  return withSession(open, run.directory, usual, async (session) => {
    await session.run("gets", { entries, order }, whole(1))
    const opened = performance.now() - begin
    const random = await session.run("gets", { entries, order }, some(operations))
    const other = draws(operations, count, 7)
    const readNew = await session.run("gets", { entries, order: other }, course(run, operations))
    const hot = draws(operations, Math.ceil(count / 100), 6)
    const readHot = await session.run("gets", { entries, order: hot }, some(operations))
    const readMissing = await session.run("gets", inOrder(missingKeys(operations)), some(operations))
    const seeks = course(run, operations / 20, { slice: 10, twice: true, weight: seekLength })
    const seek = await session.run("seeks", { entries, order }, seeks)
    const walk = await session.run("walks", { entries, order }, { ...whole(1, 1), twice: count <= most, weight: count })
    const overwrite = await session.run("puts", { entries, order }, some(operations))
    const bytes = directoryBytes(run.directory)
    return {
      "fillbatch/s": fill["ops/s"]!,
      "readrandom/s": random["ops/s"]!,
      "readnew/s": readNew["ops/s"]!,
      "readhot/s": readHot["ops/s"]!,
      "readmissing/s": readMissing["ops/s"]!,
      "seek100/s": seek["ops/s"]!,
      "readseq/s": walk["ops/s"]!,
      "overwrite/s": overwrite["ops/s"]!,
      "open ms": opened,
      "bytes/entry": bytes / count,
      ...more
    }
  })
}

/** As much memory as LMDB takes for 10,000,000 entries. */
const largeCache = { ...usual, cacheBytes: 1_638 * MiB }

/** Gets with a cache that holds all entries, after each entry was read once. */
const withLargeCache = async (open: Open, run: Run, count: number): Promise<Figures> => {
  const entries = computedEntries(count)
  return withSession(open, run.directory, largeCache, async (session) => {
    await session.run("gets", { entries, order: permutation(count, 4) }, whole(count))
    const operations = most * 5
    return session.run("gets", { entries, order: draws(operations, count, 5) }, course(run, operations))
  })
}

/** How many times as long an operation takes in a store that is ten times as large. */
const growth = (small: Figures, large: Figures): Figures => ({
  "get growth ×": small["readrandom/s"]! / large["readrandom/s"]!,
  "put growth ×": small["overwrite/s"]! / large["overwrite/s"]!,
  "scanned entry growth ×": small["readseq/s"]! / large["readseq/s"]!,
  "open growth ×": large["open ms"]! / small["open ms"]!
})

const tenth = "tenth"
const cached = "cached"

/** effect-lsm has the cache and up to five write buffers. */
const budgetsMiB = (usual.cacheBytes + 5 * usual.writeBufferBytes) / MiB

/** What a row measures besides. */
type More = "growth and cache" | "memory"

const atScale =
  (full: number, more?: More): Measure =>
  async (open, run) => {
    const count = run.quick ? full / 100 : full
    if (run.part === cached) return withLargeCache(open, run, count)
    if (run.part === tenth) return severalRows(open, run, count / 10)
    if (more === "memory") {
      const before = residentMiB()
      const figures = await severalRows(open, run, count)
      const peak = peakMiB() - before
      return { ...figures, "peak MiB": peak, "beyond budgets MiB": peak - budgetsMiB }
    }
    if (more === undefined) return severalRows(open, run, count)
    const directory = `${run.directory}-tenth`
    mkdirSync(directory)
    const small = await runPart({ ...run, directory }, tenth)
    const large = await severalRows(open, run, count, async () => {
      const figures = await runPart(run, cached)
      return { "readrandom 1.6 GiB/s": figures["ops/s"]!, "rss 1.6 GiB MiB": figures[resident]! }
    })
    return { ...large, ...growth(small, large) }
  }

const scaling = (count: number, more?: More, when?: Row["when"]): Row => ({
  title: `${count.toLocaleString("en")} entries with a cache of 64 MiB; effect-lsm seeks with \`collect\`; in process: flushes and compactions in its own thread`,
  contenders: {
    ...everyone(atScale(count, more)),
    [us]: (run) => atScale(count, more)(openUs("collect"), run),
    ...inProcess(atScale(count, more), "collect")
  },
  judges: [asFastAsBest(1, "fillbatch/s")],
  rounds: 1,
  ...(when === undefined ? {} : { when })
})

export const scales = {
  "scaling-100K": 100_000,
  "scaling-1M": 1_000_000,
  "scaling-10M": 10_000_000,
  "scaling-100M": 100_000_000
} as const

export const scalingRows: Readonly<Record<string, Row>> = {
  "scaling-100K": scaling(scales["scaling-100K"]),
  "scaling-1M": scaling(scales["scaling-1M"]),
  "scaling-10M": scaling(scales["scaling-10M"], "growth and cache", "full"),
  "scaling-100M": scaling(scales["scaling-100M"], "memory", "named")
}
