import type { LsmOptions } from "effect-lsm"
import { DeletedGaps } from "../../src/core/cursor/deletedGaps.js"

export interface Configuration {
  readonly name: string
  readonly tuning: LsmOptions.Tuning
  /** How many deleted keys make a gap. Default: as usual. */
  readonly gapsOf?: number
}

export const usualGaps = DeletedGaps.leastPassed

/** A memtable of about 4 KiB of entries. With much less, it is full after its first entry. */
const fewEntries = 66_000

/** Options at the ends of their ranges. None of them may change a result. */
export const configurations: ReadonlyArray<Configuration> = [
  { name: "the defaults", tuning: {} },
  { name: "one entry a memtable", tuning: { memtableBytes: 1, maxFrozenMemtables: 1 } },
  { name: "one entry a memtable, many frozen", tuning: { memtableBytes: 1, maxFrozenMemtables: 50, level0Tables: 20 } },
  {
    name: "one byte a block, restart interval 1",
    tuning: { memtableBytes: fewEntries, blockBytes: 1, restartInterval: 1 }
  },
  {
    name: "one block a table, restart interval 65,536",
    tuning: { memtableBytes: fewEntries, blockBytes: 64 * 1024 * 1024, restartInterval: 65_536, durability: "buffered" }
  },
  { name: "no compression", tuning: { memtableBytes: fewEntries, compression: "none", blockBytes: 500 } },
  { name: "no cache", tuning: { memtableBytes: fewEntries, blockCacheBytes: 0, blockBytes: 128 } },
  { name: "a cache of one block", tuning: { memtableBytes: fewEntries, blockCacheBytes: 1, blockBytes: 16 } },
  {
    name: "one table at level 0",
    tuning: { memtableBytes: fewEntries, level0Tables: 1, level0SlowdownTables: 1, level0StopTables: 1 }
  },
  { name: "no filter", tuning: { memtableBytes: 1, filterFalsePositiveRate: 1, durability: "buffered" } },
  { name: "the most precise filter", tuning: { memtableBytes: fewEntries, filterFalsePositiveRate: 1e-6 } },
  {
    name: "one open table",
    tuning: { memtableBytes: 1, maxOpenTables: 1, tableBytes: 200, blockBytes: 64, durability: "buffered" }
  },
  {
    name: "many levels",
    tuning: { memtableBytes: 1, blockBytes: 64, tableBytes: 256, level0Tables: 2, level1Bytes: 512, levelRatio: 2 }
  },
  {
    name: "one entry a table",
    tuning: {
      memtableBytes: fewEntries,
      tableBytes: 1,
      blockBytes: 1,
      level0Tables: 1,
      level1Bytes: 200,
      levelRatio: 2
    }
  },
  {
    name: "compacted at a hundredth of the limit",
    tuning: { memtableBytes: 1, compactionThreshold: 0.01, level1Bytes: 10_000, durability: "buffered" }
  },
  {
    name: "the steepest levels",
    tuning: { memtableBytes: fewEntries, level1Bytes: 1, levelRatio: 1000, tableBytes: 300, level0Tables: 2 }
  },
  {
    name: "every value separated",
    tuning: { memtableBytes: fewEntries, valueThreshold: 1, tableBytes: 600, level0Tables: 2, level1Bytes: 1500 }
  },
  {
    name: "some values separated, many levels",
    tuning: {
      memtableBytes: 1,
      valueThreshold: 20,
      blockBytes: 64,
      tableBytes: 256,
      level0Tables: 2,
      level1Bytes: 512,
      levelRatio: 2,
      maxOpenTables: 2,
      durability: "buffered"
    }
  },
  { name: "buffered", tuning: { durability: "buffered", memtableBytes: fewEntries } },
  {
    name: "interval of one byte",
    tuning: { durability: { interval: "1 hour", maxBytes: 1 }, memtableBytes: fewEntries }
  },
  { name: "interval", tuning: { durability: { interval: "10 millis" }, memtableBytes: 1 } },
  { name: "a gap for each deleted key", tuning: {}, gapsOf: 1 },
  {
    name: "a gap for each deleted key, many levels",
    tuning: { memtableBytes: 1, blockBytes: 64, tableBytes: 256, level0Tables: 2, level1Bytes: 512, levelRatio: 2 },
    gapsOf: 1
  },
  {
    name: "a gap for each deleted key, a table for each key",
    tuning: { memtableBytes: 1, tableBytes: 1, level0Tables: 1, level1Bytes: 1 },
    gapsOf: 1
  }
]
