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
  writeHeavy: {
    memtableBytes: 128 * MiB
  },
  readHeavy: {
    blockCacheBytes: 512 * MiB
  },
  largeValues: {
    memtableBytes: 256 * MiB
  }
} as const

export type PresetName = keyof typeof presets

export const presetNames = Object.keys(presets) as ReadonlyArray<PresetName>
