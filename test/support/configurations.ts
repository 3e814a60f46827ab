import type { LsmOptions } from "effect-lsm"

/** Limits so small that a few entries reach every level. */
export const tinyLevels: LsmOptions.Tuning = {
  memtableBytes: 1,
  blockBytes: 64,
  restartInterval: 2,
  tableBytes: 256,
  level0Tables: 2,
  level1Bytes: 512,
  levelRatio: 2,
  durability: "buffered"
}

/** Options at the limits of their ranges. */
export const extremes: Readonly<Record<string, LsmOptions.Tuning>> = {
  "one entry a memtable": { memtableBytes: 1, maxFrozenMemtables: 1, durability: "buffered" },
  "one entry a block": { blockBytes: 1, restartInterval: 1, memtableBytes: 8_500 },
  "no cache": { blockCacheBytes: 0, memtableBytes: 8_500 },
  "one table at level 0": { level0Tables: 1, level0SlowdownTables: 1, level0StopTables: 1, memtableBytes: 8_500 },
  "no filter": { filterFalsePositiveRate: 1, memtableBytes: 8_500 },
  "one open table": { maxOpenTables: 1, ...tinyLevels },
  "many levels": tinyLevels,
  uncompressed: { ...tinyLevels, compression: "none" },
  compressed: { ...tinyLevels, compression: "deflate", blockBytes: 400, tableBytes: 2000 },
  buffered: { durability: "buffered" },
  interval: { durability: { interval: "10 millis", maxBytes: 100 } }
}
