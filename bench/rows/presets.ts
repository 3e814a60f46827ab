import type { Preset } from "effect-lsm/LsmOptions"
import { keySize } from "../lib/data.js"
import { computedEntries, draws, type Entries, largeEntries } from "../lib/entries.js"
import { asSmallAs } from "../lib/judges.js"
import { MiB, peakMiB, residentMiB, writtenBytes } from "../lib/measured.js"
import type { Figures, Row } from "../lib/row.js"
import { inBatches, type Session, whole, withSession } from "../lib/session.js"
import { type Settings, usual } from "../peers/peer.js"
import { type Measure, openUs } from "./contenders.js"

const defaults: Settings = { ...usual, defaults: true }

/** The seconds of some work, of this process and of the processors. The threads of a store count. */
const spent = async (name: string, work: () => Promise<unknown>): Promise<Figures> => {
  const before = process.cpuUsage()
  const begin = performance.now()
  await work()
  const { system, user } = process.cpuUsage(before)
  return { [`${name} s`]: (performance.now() - begin) / 1000, [`${name} cpu s`]: (user + system) / 1e6 }
}

/** Overwrites all entries, in another order. */
const overwrite = (session: Session, entries: Entries, batch?: number) =>
  inBatches(
    session,
    { ...entries, keyAt: (i) => entries.keyAt((i * 7_919) % entries.count) },
    whole(entries.count, batch)
  )

const gets = (session: Session, entries: Entries, count: number, seed: number) =>
  session.run("gets", { entries, order: draws(count, entries.count, seed) }, whole(count))

/** Fills, overwrites and reads: the most memory beyond that of the process before. */
const small: Measure = async (open, run) => {
  const entries = computedEntries(run.entries / 2)
  const before = residentMiB()
  const figures = await withSession(open, run.directory, defaults, async (session) => ({
    ...(await spent("write", async () => {
      await inBatches(session, entries, whole(entries.count, 100))
      await overwrite(session, entries, 100)
    })),
    ...(await spent("get", () => gets(session, entries, entries.count / 4, 3)))
  }))
  return { "peak MiB": peakMiB() - before, ...figures }
}

/** Fills and overwrites twice: bytes passed to write calls for each byte of entries, and the time. */
const writes: Measure = async (open, run) => {
  const entries = computedEntries(run.entries * 2)
  const before = residentMiB()
  const written = writtenBytes()
  const figures = await withSession(open, run.directory, defaults, (session) =>
    spent("write", async () => {
      await inBatches(session, entries, whole(entries.count, 100))
      await overwrite(session, entries, 100)
      await overwrite(session, entries, 100)
    })
  )
  const bytes = entries.count * 3 * (keySize + entries.valueSize)
  return { ...figures, "bytes written/byte": (writtenBytes() - written) / bytes, "peak MiB": peakMiB() - before }
}

/** Gets of random keys from more data than the usual cache holds, after as many that warm it. */
const reads: Measure = async (open, run) => {
  const entries = computedEntries(run.entries * 2.5)
  await withSession(open, run.directory, defaults, async (session) => {
    await inBatches(session, entries, whole(entries.count))
    await session.compact()
  })
  return withSession(open, run.directory, defaults, async (session) => {
    await gets(session, entries, run.entries / 2, 3)
    return spent("get", () => gets(session, entries, run.entries / 2, 4))
  })
}

/** Writes values of one size in batches of 1 MiB, and compacts. */
const large =
  (size: number): Measure =>
  async (open, run) => {
    const entries = largeEntries(Math.floor((run.entries * 400) / size), size)
    const before = residentMiB()
    const figures = await withSession(open, run.directory, defaults, (session) =>
      spent("load", async () => {
        await inBatches(session, entries, whole(entries.count, MiB / size))
        await session.compact()
      })
    )
    return { ...figures, "peak MiB": peakMiB() - before }
  }

/** A preset beside the defaults, and how many times as good it must be. */
const row = (title: string, preset: Preset, measure: Measure, figure: string, factor: number): Row => ({
  title,
  contenders: {
    defaults: (run) => measure(openUs(), run),
    [preset]: (run) => measure(openUs(undefined, { preset }), run)
  },
  judges: [asSmallAs("defaults", figure, factor, preset)]
})

/** Rows that show what each preset is for. */
export const presetRows: Readonly<Record<string, Row>> = {
  "preset-small": row("memory of filling, overwriting and reading", "small", small, "peak MiB", 2),
  "preset-writeHeavy": row("fills and overwrites twice", "writeHeavy", writes, "bytes written/byte", 1.2),
  "preset-readHeavy": row("random gets of 290 MB", "readHeavy", reads, "get cpu s", 1.2),
  "preset-largeValues": row("a load of values of 1 KiB", "largeValues", large(1024), "load cpu s", 1.2)
}
