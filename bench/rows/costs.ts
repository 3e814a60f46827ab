import { compressibleEntries, draws, largeEntries, randomEntries, rewritten } from "../lib/entries.js"
import { asSmallAs, below } from "../lib/judges.js"
import { directoryBytes, peakMiB, residentMiB, writtenBytes } from "../lib/measured.js"
import type { Row, Run } from "../lib/row.js"
import { inBatches, inOrder, prepare, shuffledWork, whole, withSession } from "../lib/session.js"
import { latencies } from "../lib/statistics.js"
import { MiB, type Settings, usual } from "../peers/peer.js"
import { everyone, inThread, type Measure, ours, peersBy } from "./contenders.js"
import { course } from "./plan.js"

const KiB = 1024

/** Small buffers, so that tables are written and compacted all the time. */
const small = ({ quick }: Run): Settings => ({
  ...usual,
  cacheBytes: 8 * MiB,
  writeBufferBytes: quick ? 256 * KiB : 4 * MiB
})

const notDone = (count: number) => new Float64Array(count).fill(Number.NaN)

/**
 * Puts and gets of values of one size, each timed, with at most 464 bytes of data for each entry of
 * the run.
 */
const valueSize =
  (size: number): Measure =>
  async (open, run) => {
    const count = Math.min(run.entries, Math.floor((run.entries * 464) / (16 + size)))
    const entries = largeEntries(count, size)
    const [putTimes, getTimes] = [notDone(count), notDone(count)]
    const puts = await withSession(open, run.directory, usual, async (session) => {
      const figures = await session.run("timedPuts", { ...inOrder(entries), times: putTimes }, course(run, count))
      await inBatches(session, entries)
      await session.compact()
      return figures
    })
    const gets = await withSession(open, run.directory, usual, async (session) => {
      await session.run("gets", { entries, order: draws(1_000, count, 6) }, whole(1_000))
      return session.run("timedGets", { ...shuffledWork(entries), times: getTimes }, course(run, count))
    })
    return {
      "puts/s": puts["ops/s"]!,
      ...latencies(putTimes, "put"),
      "gets/s": gets["ops/s"]!,
      ...latencies(getTimes, "get")
    }
  }

const valueSizeRow = (size: number): Row => ({
  title: `values of ${size.toLocaleString("en")} bytes: puts, then gets, each timed; in a thread: compactions`,
  contenders: { ...everyone(valueSize(size)), ...inThread(valueSize(size)) }
})

const putLatencies: Measure = async (open, run) => {
  const held = randomEntries(run.entries)
  await prepare(open, run.directory, small(run), held)
  return withSession(open, run.directory, small(run), async (session) => {
    const operations = run.entries * 2
    const times = notDone(operations)
    const order = draws(operations, run.entries, 8)
    const work = { entries: rewritten(held), order, times }
    const figures = await session.run("timedPuts", work, course(run, operations, { limit: run.limit * 2 }))
    return { ...figures, ...latencies(times, "put") }
  })
}

/** The memory that a process needs for a store, without that of the process itself and the data. */
const memory =
  (buffers: number): Measure =>
  async (open, run) => {
    const settings = small(run)
    const entries = largeEntries(run.entries)
    const order = draws(run.entries, run.entries, 9)
    const before = residentMiB()
    await withSession(open, run.directory, settings, async (session) => {
      await inBatches(session, entries)
      await session.run("puts", { entries, order }, course(run, run.entries))
      await session.run("gets", { entries, order }, course(run, run.entries))
    })
    const peak = peakMiB() - before
    const budgets = (settings.cacheBytes + settings.writeBufferBytes * buffers) / MiB
    return { "peak MiB": peak, ...(buffers > 0 ? { "beyond budgets MiB": peak - budgets } : {}) }
  }

const size =
  (compression: boolean): Measure =>
  async (open, run) => {
    const settings = { ...usual, compression }
    await prepare(open, run.directory, settings, compressibleEntries(run.entries))
    // Some stores write tables from their log only when they are opened again.
    await withSession(open, run.directory, settings, (session) => session.compact())
    return { "bytes/entry": directoryBytes(run.directory) / run.entries }
  }

const compressed = (only: string, label: string) =>
  peersBy("puts", ["best"], size(true), { label, changed: { compression: true }, only: [only] })

const writeAmplification: Measure = async (open, run) => {
  const entries = randomEntries(run.entries)
  const before = writtenBytes()
  await withSession(open, run.directory, small(run), async (session) => {
    await inBatches(session, entries)
    const again = { ...entries, keyAt: (i: number) => entries.keyAt((i * 7_919) % run.entries) }
    await inBatches(session, again)
    await inBatches(session, again)
    await session.compact()
  })
  return { "bytes written/byte": (writtenBytes() - before) / (run.entries * 3 * 116) }
}

/** Rows for latencies, memory and disk. */
export const costRows: Readonly<Record<string, Row>> = {
  "valueSizes-100": valueSizeRow(100),
  "valueSizes-1KiB": valueSizeRow(KiB),
  "valueSizes-4KiB": valueSizeRow(4 * KiB),
  putLatencies: {
    title: "puts of existing keys, each timed, while small memtables are flushed and compacted",
    contenders: everyone(putLatencies),
    judges: [below(5_000, "put p99.9 µs")]
  },
  memory: {
    title: "peak memory of filling, overwriting and reading, minus that of the process and the data",
    contenders: { ...ours(memory(5)), ...peersBy("puts", ["best"], memory(0)) },
    judges: [below(100, "beyond budgets MiB")]
  },
  size: {
    title: "size on disk of compacted entries with half-redundant values, uncompressed and compressed",
    contenders: {
      ...ours(size(false)),
      "effect-lsm deflate": ours(size(true))["effect-lsm"]!,
      ...peersBy("puts", ["best"], size(false)),
      ...compressed("LevelDB", "snappy"),
      ...compressed("RocksDB", "zstd"),
      ...compressed("LMDB", "lz4")
    },
    judges: [asSmallAs("RocksDB", "bytes/entry", 1, "effect-lsm deflate")]
  },
  writeAmplification: {
    title: "bytes written per byte of entries: filled and overwritten twice, with small memtables",
    contenders: everyone(writeAmplification)
  }
}
