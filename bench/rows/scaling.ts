import { mkdirSync } from "node:fs"
import { draws, largeEntries, missingKeys } from "../lib/entries.js"
import { us } from "../lib/judges.js"
import { directoryBytes } from "../lib/measured.js"
import type { Row } from "../lib/row.js"
import { inBatches, inOrder, whole, withSession } from "../lib/session.js"
import { seekLength } from "../loops/reads.js"
import { usual } from "../peers/peer.js"
import { everyone, inThread, type Measure, openUs } from "./contenders.js"
import { course, rehearsed } from "./plan.js"

/** Most operations of each loop. */
const most = 200_000

/** Runs several rows, one after the other, on one store of `full` entries. */
const atScale =
  (full: number): Measure =>
  async (open, run) => {
    const count = run.quick ? full / 100 : full
    const operations = Math.min(count, most)
    const entries = largeEntries(count)
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
    const order = draws(operations, count, 5)
    return withSession(open, run.directory, usual, async (session) => {
      const random = await session.run("gets", { entries, order }, some(operations))
      const hot = draws(operations, Math.ceil(count / 100), 6)
      const readHot = await session.run("gets", { entries, order: hot }, some(operations))
      const readMissing = await session.run("gets", inOrder(missingKeys(operations)), some(operations))
      const seeks = course(run, operations / 20, { slice: 10, twice: true, weight: seekLength })
      const seek = await session.run("seeks", { entries, order }, seeks)
      const walk = await session.run(
        "walks",
        { entries, order },
        { ...whole(1, 1), twice: count <= most, weight: count }
      )
      const overwrite = await session.run("puts", { entries, order }, some(operations))
      const bytes = directoryBytes(run.directory)
      return {
        "fillbatch/s": fill["ops/s"]!,
        "readrandom/s": random["ops/s"]!,
        "readhot/s": readHot["ops/s"]!,
        "readmissing/s": readMissing["ops/s"]!,
        "seek100/s": seek["ops/s"]!,
        "readseq/s": walk["ops/s"]!,
        "overwrite/s": overwrite["ops/s"]!,
        "bytes/entry": bytes / count
      }
    })
  }

const scaling = (count: number, fullOnly = false): Row => ({
  title: `${count.toLocaleString("en")} entries with a cache of 64 MiB; effect-lsm seeks with \`collect\`; in a thread: compactions`,
  contenders: {
    ...everyone(atScale(count)),
    [us]: (run) => atScale(count)(openUs("collect"), run),
    ...inThread(atScale(count), "collect")
  },
  rounds: 1,
  fullOnly
})

export const scales = { "scaling-100K": 100_000, "scaling-1M": 1_000_000, "scaling-10M": 10_000_000 } as const

export const scalingRows: Readonly<Record<string, Row>> = {
  "scaling-100K": scaling(scales["scaling-100K"]),
  "scaling-1M": scaling(scales["scaling-1M"]),
  "scaling-10M": scaling(scales["scaling-10M"], true)
}
