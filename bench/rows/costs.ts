import { mkdirSync, rmSync } from "node:fs"
import { keySize } from "../lib/data.js"
import {
  compressibleEntries,
  computedEntries,
  draws,
  type Entries,
  largeEntries,
  randomEntries,
  rewritten,
  sequentialEntries
} from "../lib/entries.js"
import { asFastAsBest, asSmallAs, below, us } from "../lib/judges.js"
import { directoryBytes, MiB, peakMiB, residentMiB, writtenBytes } from "../lib/measured.js"
import { withPrepared } from "../lib/prepared.js"
import type { Figures, Row, Run } from "../lib/row.js"
import { inBatches, inOrder, type Open, prepare, shuffledWork, whole, withSession } from "../lib/session.js"
import { latencies } from "../lib/statistics.js"
import { queueLength } from "../loops/mixed.js"
import { type Settings, usual } from "../peers/peer.js"
import { everyone, inProcess, type Measure, openUs, ours, peersBy } from "./contenders.js"
import { course, fill, rehearsed, rehearseElsewhere } from "./plan.js"

const KiB = 1024

/** Small buffers, so that tables are written and compacted all the time. */
const small = ({ quick }: Run): Settings => ({
  ...usual,
  cacheBytes: 8 * MiB,
  writeBufferBytes: quick ? 256 * KiB : 4 * MiB
})

/** Writes all entries in batches and compacts the store: entries per second of both, and the time of each. */
const loadAndCompact = (
  open: Open,
  { directory }: Run,
  settings: Settings,
  entries: Entries,
  batches = whole(entries.count)
): Promise<Figures> =>
  withSession(open, directory, settings, async (session) => {
    const begin = performance.now()
    await inBatches(session, entries, batches)
    const filled = performance.now()
    await session.compact()
    const end = performance.now()
    return {
      "ops/s": (entries.count * 1000) / (end - begin),
      "fill s": (filled - begin) / 1000,
      "compact s": (end - filled) / 1000
    }
  })

const load =
  (makeEntries: (run: Run) => Entries, settings = usual): Measure =>
  async (open, run) => {
    const entries = makeEntries(run)
    const plan = { work: inOrder(entries), course: course(run, entries.count) }
    await rehearseElsewhere(open, run, settings, "batches", plan)
    return loadAndCompact(open, run, settings, entries)
  }

const withDefaults: Settings = { ...usual, defaults: true }

const loadRow = (title: string, makeEntries: (run: Run) => Entries, settings?: Settings): Row => ({
  title,
  contenders: everyone(load(makeEntries, settings)),
  judges: [asFastAsBest()]
})

const pages = ({ entries }: Run): Entries => largeEntries(entries / 10, 4 * KiB)

const notDone = (count: number) => new Float64Array(count).fill(Number.NaN)

/** Batches of 1,000 entries, but at most 4 MiB. */
const batchFor = (size: number): number => Math.min(1000, (4 * MiB) / size)

/**
 * Values of one size, with at most 232 bytes of data for each entry of the run: puts, each timed; a
 * load of another store; gets of that store, each timed; scans.
 */
const valueSize =
  (size: number, settings: Settings): Measure =>
  async (open, run) => {
    const count = Math.min(run.entries, Math.floor((run.entries * 232) / (16 + size)))
    const entries = largeEntries(count, size)
    const [putTimes, getTimes] = [notDone(count), notDone(count)]
    const putDirectory = `${run.directory}-puts`
    mkdirSync(putDirectory)
    const rehearsal = { work: { ...inOrder(entries), times: notDone(count) }, course: course(run, count) }
    await rehearseElsewhere(open, run, settings, "timedPuts", rehearsal)
    const puts = await withSession(open, putDirectory, settings, (session) =>
      session.run("timedPuts", { ...inOrder(entries), times: putTimes }, course(run, count))
    )
    rmSync(putDirectory, { recursive: true })
    const batches = { work: inOrder(entries), course: course(run, count, { slice: batchFor(size) }) }
    await rehearseElsewhere(open, { ...run, directory: `${run.directory}-load` }, settings, "batches", batches)
    const loaded = await loadAndCompact(open, run, settings, entries, whole(count, batchFor(size)))
    return withSession(open, run.directory, settings, async (session) => {
      const work = { ...shuffledWork(entries), times: getTimes }
      // A cache that takes a large value only when it is asked for again is warm after two passes. The code for
      // values that are there is compiled after a third, and the fourth is measured.
      for (let pass = 0; pass < 2; pass++) {
        await session.run("timedGets", { ...work, times: notDone(count) }, course(run, count))
      }
      const gets = await session.run("timedGets", work, course(run, count, { twice: true }))
      const walks = course(run, 3, { slice: 1, twice: true, weight: count })
      const scans = await session.run("walks", inOrder(entries), walks)
      return {
        "puts/s": puts["ops/s"]!,
        "load/s": loaded["ops/s"]!,
        "gets/s": gets["ops/s"]!,
        "scans/s": scans["ops/s"]!,
        ...latencies(putTimes, "put"),
        ...latencies(getTimes, "get")
      }
    })
  }

const valueSizeRow = (size: number, settings = usual): Row => ({
  title: `values of ${size.toLocaleString("en")} bytes${settings.defaults ? ", with the defaults of each store" : ""}: puts, load and compaction, gets, scanned entries; effect-lsm gets with \`getWith\`; in process: flushes and compactions in its own thread`,
  contenders: {
    ...everyone(valueSize(size, settings)),
    [us]: (run) => valueSize(size, settings)(openUs("getWith"), run),
    ...inProcess(valueSize(size, settings), "getWith")
  },
  judges: size < KiB ? [] : ["puts/s", "load/s", "gets/s", "scans/s"].map((figure) => asFastAsBest(1, figure))
})

const putLatencies: Measure = async (open, run) => {
  const held = randomEntries(run.entries)
  return withPrepared(open, run, small(run), held, () =>
    withSession(open, run.directory, small(run), async (session) => {
      const operations = run.entries * 2
      const times = notDone(operations)
      const order = draws(operations, run.entries, 8)
      const work = { entries: rewritten(held), order, times }
      const figures = await session.run("timedPuts", work, course(run, operations, { limit: run.limit * 2 }))
      return { ...figures, ...latencies(times, "put") }
    })
  )
}

/** The memory that a process needs for a store, without that of the process itself and the data. */
const memory =
  (buffers: number, full?: number): Measure =>
  async (open, run) => {
    const count = full === undefined ? run.entries : run.quick ? full / 100 : full
    const settings = small(run)
    const entries = computedEntries(count)
    const order = draws(run.entries, count, 9)
    const before = residentMiB()
    const filled = await withSession(open, run.directory, settings, async (session) => {
      const { "filled %": part } = await inBatches(session, entries, fill(run, count, { slice: 1000 }))
      await session.run("puts", { entries, order }, course(run, run.entries))
      // A store that took too long lacks entries.
      if (part === undefined) await session.run("gets", { entries, order }, course(run, run.entries))
      return part
    })
    const peak = peakMiB() - before
    const budgets = (settings.cacheBytes + settings.writeBufferBytes * buffers) / MiB
    return {
      "peak MiB": peak,
      ...(buffers > 0 ? { "beyond budgets MiB": peak - budgets } : {}),
      ...(filled === undefined ? {} : { "filled %": filled })
    }
  }

const memoryRow = (title: string, full?: number): Row => ({
  title,
  contenders: { ...ours(memory(5, full)), ...peersBy("puts", ["best"], memory(0, full)) },
  judges: [below(100, "beyond budgets MiB")],
  rounds: 1
})

const size =
  (settings: Settings): Measure =>
  async (open, run) => {
    await prepare(open, run.directory, settings, compressibleEntries(run.entries))
    // Some stores write tables from their log only when they are opened again.
    await withSession(open, run.directory, settings, (session) => session.compact())
    return { "bytes/entry": directoryBytes(run.directory) / run.entries }
  }

const uncompressed = size(usual)

const compressed = (only: string, label: string) =>
  peersBy("puts", ["best"], size({ ...usual, compression: true }), {
    label,
    changed: { compression: true },
    only: [only]
  })

const writeAmplification =
  (makeEntries: (run: Run) => Entries, batch: number): Measure =>
  async (open, run) => {
    const entries = makeEntries(run)
    const { count } = entries
    const before = writtenBytes()
    await withSession(open, run.directory, small(run), async (session) => {
      await inBatches(session, entries, whole(count, batch))
      const again = { ...entries, keyAt: (i: number) => entries.keyAt((i * 7_919) % count) }
      await inBatches(session, again, whole(count, batch))
      await inBatches(session, again, whole(count, batch))
      await session.compact()
    })
    return { "bytes written/byte": (writtenBytes() - before) / (count * 3 * (keySize + entries.valueSize)) }
  }

const queue: Measure = async (open, run) => {
  const entries = sequentialEntries(run.entries + queueLength)
  const plan = { work: { ...inOrder(entries), times: notDone(run.entries) }, course: fill(run, run.entries) }
  const rehearsal = { ...plan, work: { ...plan.work, times: notDone(run.entries) } }
  const firsts = whole(queueLength)
  for (const name of ["rehearsal-1", "rehearsal-2"]) {
    const directory = `${run.directory}-${name}`
    mkdirSync(directory)
    await withSession(open, directory, usual, async (session) => {
      await inBatches(session, entries, firsts)
      await session.run("queue", rehearsal.work, { ...plan.course, operations: rehearsed(run), limit: run.limit / 2 })
    })
  }
  return withSession(open, run.directory, usual, async (session) => {
    await inBatches(session, entries, firsts)
    const figures = await session.run("queue", plan.work, plan.course)
    const times = plan.work.times.filter((time) => !Number.isNaN(time))
    const total = (from: number, to?: number) => times.subarray(from, to).reduce((sum, time) => sum + time, 0)
    return { ...figures, "last reads to first": total(-1000) / total(0, 1000) }
  })
}

/** Rows for latencies, memory and disk. */
export const costRows: Readonly<Record<string, Row>> = {
  load: loadRow("random entries in batches of 1,000, then a compaction; entries", (run) => randomEntries(run.entries)),
  "load-4KiB": loadRow("the same with a tenth as many entries and values of 4 KiB", pages),
  "load-defaults": loadRow("load with the defaults of each store", (run) => randomEntries(run.entries), withDefaults),
  "valueSizes-100": valueSizeRow(100),
  "valueSizes-1KiB": valueSizeRow(KiB),
  "valueSizes-4KiB": valueSizeRow(4 * KiB),
  "valueSizes-16KiB": valueSizeRow(16 * KiB),
  "valueSizes-64KiB": valueSizeRow(64 * KiB),
  "valueSizes-1KiB-defaults": valueSizeRow(KiB, withDefaults),
  "valueSizes-4KiB-defaults": valueSizeRow(4 * KiB, withDefaults),
  "valueSizes-16KiB-defaults": valueSizeRow(16 * KiB, withDefaults),
  "valueSizes-64KiB-defaults": valueSizeRow(64 * KiB, withDefaults),
  queue: {
    title: "an entry is appended, the first one is read and deleted; all three",
    contenders: everyone(queue),
    judges: [below(3, "last reads to first")]
  },
  putLatencies: {
    title: "puts of existing keys, each timed, while small memtables are flushed and compacted",
    contenders: everyone(putLatencies),
    judges: [below(5_000, "put p99.9 µs")]
  },
  memory: memoryRow("peak memory of filling, overwriting and reading, minus that of the process and the data"),
  "memory-10M": { ...memoryRow("the same with 10,000,000 entries", 10_000_000), when: "full" },
  size: {
    title: "size on disk of compacted entries with half-redundant values, uncompressed and compressed",
    contenders: {
      ...ours(uncompressed),
      "effect-lsm lz4": ours(size({ ...usual, compression: true }))["effect-lsm"]!,
      ...peersBy("puts", ["best"], uncompressed),
      ...compressed("LevelDB", "snappy"),
      ...compressed("RocksDB", "zstd"),
      ...compressed("LMDB", "lz4")
    },
    judges: [asSmallAs("RocksDB", "bytes/entry", 1, "effect-lsm lz4")],
    rounds: 1
  },
  "size-defaults": {
    title: "size with the defaults of each store",
    contenders: everyone(size(withDefaults)),
    judges: [asSmallAs("RocksDB", "bytes/entry")],
    rounds: 1
  },
  writeAmplification: {
    title: "bytes written per byte of entries: filled and overwritten twice, with small memtables",
    contenders: everyone(writeAmplification((run) => randomEntries(run.entries), 1000)),
    rounds: 1
  },
  "writeAmplification-4KiB": {
    title: "the same with a tenth as many entries and values of 4 KiB, in batches of 100",
    contenders: everyone(writeAmplification(pages, 100)),
    judges: [below(2, "bytes written/byte")],
    rounds: 1
  }
}
