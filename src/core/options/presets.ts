const KiB = 1024
const MiB = 1024 * KiB

/** Options for one kind of use. Presets never change what an acknowledged write guarantees. */
export const presets = {
  small: {
    memtableBytes: 4 * MiB,
    maxFrozenMemtables: 1,
    blockCacheBytes: 4 * MiB,
    tableBytes: 4 * MiB,
    level1Bytes: 16 * MiB,
    maxOpenTables: 64,
    backgroundThread: false
  },
  // Level 1 as large as the four tables of level 0 that start a compaction, so that it is written less often.
  writeHeavy: {
    memtableBytes: 256 * MiB,
    maxFrozenMemtables: 2,
    tableBytes: 64 * MiB,
    level1Bytes: 1024 * MiB
  },
  readHeavy: {
    blockCacheBytes: 512 * MiB
  },
  // Flushes leave such values in the log instead of copying them.
  largeValues: {
    valueThreshold: KiB
  }
} as const

export type PresetName = keyof typeof presets

export const presetNames = Object.keys(presets) as ReadonlyArray<PresetName>
