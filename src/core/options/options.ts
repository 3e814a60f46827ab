import { longestKey } from "../bytes/lookupKey.js"
import type { Description } from "./kinds.js"
import { presetNames } from "./presets.js"

const KiB = 1024
const MiB = 1024 * KiB
const GiB = 1024 * MiB
const many = 2 ** 31 - 1

const bytes = (least: number, most: number) => ({ type: "whole", least, most, unit: "bytes" }) as const
const count = (unit: string, least = 1, most = many) => ({ type: "whole", least, most, unit }) as const
const flag = { type: "flag" } as const

/** Every option of a store, in the order of the table in the guide. */
export const options = {
  directory: {
    kind: { type: "text", nonEmpty: true },
    told: "none: it must be given",
    about: "The directory of the store's files.",
    opening: true
  },
  createIfMissing: {
    kind: flag,
    fallback: true,
    about: "Whether a store is created if the directory holds none.",
    opening: true
  },
  readOnly: {
    kind: flag,
    fallback: false,
    about: "Whether the store is opened without changing its files.",
    opening: true
  },
  recovery: {
    kind: { type: "choice", values: ["strict", "pointInTime", "salvage"] },
    fallback: "strict",
    about: "How opening handles damaged files.",
    opening: true
  },
  preset: {
    kind: { type: "choice", values: presetNames },
    told: "none",
    about: "Options for one kind of use. Each option that is given beside it replaces that of the preset."
  },
  durability: {
    kind: {
      type: "fields",
      words: ["sync", "buffered"],
      fields: {
        interval: {
          kind: { type: "duration" },
          required: true,
          told: "none: the durability is `sync`",
          about: "Writes are acknowledged at once, and the log is synced this long after."
        },
        maxBytes: {
          kind: bytes(1, Number.MAX_SAFE_INTEGER),
          fallback: MiB,
          about: "With an interval: the log is synced earlier if this much of it is unsynced."
        }
      }
    },
    fallback: "sync",
    about: "When a write is acknowledged."
  },
  memtableBytes: {
    kind: bytes(1, GiB),
    fallback: 64 * MiB,
    about: "Memory of one memtable. A full one is flushed to a table."
  },
  maxFrozenMemtables: {
    kind: count("memtables", 1, 1000),
    fallback: 4,
    about: "How many full memtables may wait for a flush before writers wait too."
  },
  blockBytes: {
    kind: bytes(1, 64 * MiB),
    told: "2 KiB, and 4 KiB for levels with deflate or zstd",
    about: "Largest size of a data block with several keys."
  },
  compression: {
    kind: { type: "choice", values: ["none", "lz4", "deflate", "zstd"], list: true },
    fallback: "lz4",
    about: "Compression of new tables: one for all levels, or one for each level."
  },
  restartInterval: {
    kind: count("entries", 1, 65_536),
    fallback: 16,
    about: "Entries between two restart points of a block."
  },
  filterFalsePositiveRate: {
    kind: { type: "real", least: 1e-6, most: 1, unit: "fraction" },
    fallback: 0.01,
    about: "False-positive rate of the Bloom filters of new tables. 1 writes no filters."
  },
  blockCacheBytes: {
    kind: bytes(0, 1024 * GiB),
    told: "a sixteenth of the usable memory, at most 256 MiB",
    about: "Memory for cached blocks, parts of indexes, filters and entries."
  },
  entryCacheBytes: {
    kind: bytes(0, 1024 * GiB),
    told: "moves, as entries and blocks are of use",
    about: "The part of `blockCacheBytes`, at most all of it, that single entries may take from blocks."
  },
  valueThreshold: {
    kind: { ...bytes(1, many), infinite: true },
    fallback: 2 * KiB,
    about: "Values of at least this size are kept apart from the tables. `Infinity` separates none."
  },
  maxOpenTables: {
    kind: count("files"),
    fallback: 512,
    about: "How many table files and value files may be open at once."
  },
  tableBytes: {
    kind: bytes(1, many),
    fallback: 16 * MiB,
    about: "Size at which a compaction finishes a table and starts the next."
  },
  level0Tables: {
    kind: count("tables", 1, 1000),
    fallback: 4,
    about: "How many tables at level 0 start a compaction."
  },
  level0SlowdownTables: {
    kind: count("tables"),
    told: "twice `level0Tables`, at most `level0StopTables`",
    about: "How many tables at level 0 slow writers down. At least `level0Tables`."
  },
  level0StopTables: {
    kind: count("tables"),
    told: "three times `level0Tables`, at least `level0SlowdownTables`",
    about: "How many tables at level 0 make writers wait. At least `level0SlowdownTables`."
  },
  level1Bytes: {
    kind: bytes(1, 1024 * GiB),
    fallback: 64 * MiB,
    about: "Size limit of level 1."
  },
  levelRatio: {
    kind: { type: "real", least: 2, most: 1000, unit: "times" },
    fallback: 10,
    about: "How many times larger the limit of a level is than that of the level above."
  },
  compactionThreshold: {
    kind: { type: "real", least: 0.01, most: 1, unit: "fraction" },
    fallback: 0.85,
    about: "The fraction of its limit at which a level is compacted."
  },
  backgroundThread: {
    kind: flag,
    fallback: true,
    about: "Whether flushes and compactions run in a worker thread."
  },
  maxKeyBytes: {
    kind: bytes(1, longestKey),
    fallback: longestKey,
    about: "Longest key."
  },
  maxValueBytes: {
    kind: bytes(1, 256 * MiB),
    fallback: 256 * MiB,
    about: "Longest value."
  },
  inlineSyncMillis: {
    kind: { type: "real", least: 0, most: 1000, unit: "milliseconds" },
    fallback: 1,
    about: "How long a sync of the log may block the calling thread."
  },
  snapshotWarning: {
    kind: { type: "duration", infinite: true },
    fallback: "5 minutes",
    about: "A snapshot that is held for longer is logged as a Warning. `Infinity` never warns."
  },
  changeRetention: {
    kind: {
      type: "fields",
      words: [],
      fields: {
        bytes: {
          kind: { ...bytes(0, Number.MAX_SAFE_INTEGER), infinite: true },
          told: "no limit if there is an age",
          about: "How much of the log is kept for `changes`."
        },
        age: {
          kind: { type: "duration", infinite: true },
          told: "no limit if there is a size",
          about: "How long the log is kept for `changes`."
        }
      }
    },
    told: "no history is kept",
    about: "How much of the history of writes is kept for `changes`."
  },
  latencySampling: {
    kind: count("operations"),
    fallback: 64,
    about: "One in this many gets and puts is timed for the latency histograms."
  },
  fileMode: {
    kind: { type: "mode", least: 0o600, most: 0o666 },
    fallback: 0o600,
    about: "Permissions of new files, less the umask."
  },
  directoryMode: {
    kind: { type: "mode", least: 0o700, most: 0o777 },
    fallback: 0o700,
    about: "Permissions of new directories, less the umask."
  },
  name: {
    kind: { type: "text" },
    told: "`directory`, as given",
    about: "The `store` label of the metrics."
  }
} as const satisfies Readonly<Record<string, Description>>

export type OptionName = keyof typeof options

/** The names of all options. */
export const optionNames = Object.keys(options) as ReadonlyArray<OptionName>

export const isOptionName = (name: string): name is OptionName => Object.hasOwn(options, name)

/** The options of a store among those of something that has others too. */
export const optionsAmong = (given: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(given).filter(([name]) => isOptionName(name)))
