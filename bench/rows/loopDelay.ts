import { setImmediate, setTimeout } from "node:timers/promises"
import { watchDelay } from "../lib/delay.js"
import { draws, type Entries, largeEntries } from "../lib/entries.js"
import { below } from "../lib/judges.js"
import { MiB, writtenBytes } from "../lib/measured.js"
import { withPrepared } from "../lib/prepared.js"
import type { Row, Run } from "../lib/row.js"
import { type Session, whole, withSession } from "../lib/session.js"
import type { Kind } from "../loops/index.js"
import { type Settings, usual } from "../peers/peer.js"
import { inThread, type Measure, ours, peersBy } from "./contenders.js"

/** Small buffers, so that tables are written and compacted all the time. */
const settings: Settings = { ...usual, cacheBytes: 8 * MiB, writeBufferBytes: 8 * MiB }

/**
 * Puts `pace` entries a second. It puts at most the entries of two milliseconds in a row: whoever is
 * late catches up in turns of the event loop. Returns the number of puts.
 */
const paced = async (session: Session, kind: Kind, entries: Entries, pace: number, millis: number): Promise<number> => {
  const most = Math.ceil(pace / 500)
  const order = draws(100_000, entries.count, 13)
  let done = 0
  const begin = performance.now()
  for (let spent = 0; spent < millis; spent = performance.now() - begin) {
    const from = done % (order.length - most)
    const due = Math.min(most, Math.floor((spent * pace) / 1000) - done)
    if (due > 0) await session.run(kind, { entries, order: order.subarray(from, from + due) }, whole(due, due))
    done += Math.max(0, due)
    await (due === most ? setImmediate() : setTimeout(1))
  }
  return done
}

/** How late the event loop is while puts come at a steady pace, and flushes and compactions go on. */
const loopDelay =
  (kind: Kind, pace: number, size: number, count: (run: Run) => number): Measure =>
  async (open, run) => {
    const entries = largeEntries(count(run), size)
    return withPrepared(open, run, settings, entries, () =>
      withSession(open, run.directory, settings, async (session) => {
        await paced(session, kind, entries, pace, run.quick ? 200 : 2_000)
        const delay = watchDelay()
        const before = writtenBytes()
        const begin = performance.now()
        const puts = await paced(session, kind, entries, pace, run.quick ? 500 : 10_000)
        const seconds = (performance.now() - begin) / 1000
        return { ...delay(), "puts/s": puts / seconds, "MiB written/s": (writtenBytes() - before) / MiB / seconds }
      })
    )
  }

const row = (title: string, pace: number, size: number, count: (run: Run) => number): Row => {
  const measure = loopDelay("puts", pace, size, count)
  return {
    title,
    contenders: {
      ...ours(measure),
      ...inThread(measure),
      ...peersBy("concurrentPuts", ["async"], loopDelay("concurrentPuts", pace, size, count))
    },
    judges: [below(5, "p99.9 ms")]
  }
}

/** Rows for the event loop. Peers are measured with their promises, 64 puts at a time. */
export const loopDelayRows: Readonly<Record<string, Row>> = {
  "loopDelay-100B": row(
    "delay of the event loop at 50,000 puts of 100 bytes a second",
    50_000,
    100,
    ({ entries }) => entries
  ),
  "loopDelay-4KiB": row(
    "delay of the event loop at 10,000 puts of 4 KiB a second",
    10_000,
    4096,
    ({ entries }) => entries / 10
  )
}
