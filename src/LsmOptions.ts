/**
 * The options of a store, with their units and defaults.
 *
 * @since 3.0.0
 */
import { totalmem } from "node:os"
import { resolve as resolvePath } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { longestKey } from "./core/bytes/lookupKey.js"
import type { HistoryLimit } from "./core/log/retainedSegment.js"
import { hasZstd, zstdNeeds } from "./core/table/compression.js"
import { InvalidArgument } from "./LsmError.js"

/**
 * When a write is acknowledged.
 *
 * - `"sync"`: when the write is on disk. Writers that wait at the same time share one sync.
 * - `"buffered"`: when the operating system has the write. It survives the end of the process, but
 *   not a power cut.
 * - `{ interval, maxBytes }`: at once. The log is synced after `interval`, or when `maxBytes` bytes
 *   of log are unsynced (default 1 MiB), whichever comes first. Unsynced writes may be lost if the
 *   process ends.
 *
 * @since 3.0.0
 * @category models
 */
export type Durability =
  | "sync"
  | "buffered"
  | { readonly interval: Duration.DurationInput; readonly maxBytes?: number | undefined }

/**
 * How the blocks of tables are stored.
 *
 * - `"none"`: uncompressed.
 * - `"deflate"`: each block is compressed with DEFLATE (RFC 1951). A block that would shrink by
 *   less than an eighth is stored uncompressed.
 * - `"zstd"`: the same with Zstandard (RFC 8878), which takes less time. It needs `node:zlib` of Node
 *   22.15 or later, also for reading: elsewhere, a table that has it fails with `UnsupportedFormat`.
 *
 * @since 3.0.0
 * @category models
 */
export type Compression = "none" | "deflate" | "zstd"

/**
 * Options that tune a store. All are optional. Sizes are in bytes.
 *
 * @since 3.0.0
 * @category models
 */
export interface Tuning {
  /** When a write is acknowledged. A single write can override it. Default `"sync"`. */
  readonly durability?: Durability | undefined
  /**
   * Memory of one memtable: keys, values and overhead. A full memtable is frozen and flushed to a
   * table. Default 64 MiB, at most 1 GiB: a log segment holds the writes of one memtable, and
   * recovery reads it as a whole.
   */
  readonly memtableBytes?: number | undefined
  /** How many frozen memtables may wait for a flush before writers wait too. Default 4. */
  readonly maxFrozenMemtables?: number | undefined
  /**
   * Largest size of a data block. A block with a single key may be larger. Default 2 KiB, and 4 KiB
   * for levels with compression: a lookup reads and checks a whole block, and small blocks compress
   * badly.
   */
  readonly blockBytes?: number | undefined
  /**
   * Compression of new tables: one value for all levels, or an array with one value per level,
   * starting at level 0. The last value of the array applies to all deeper levels. Existing tables
   * stay readable whatever this option says. Cached blocks are not compressed. Default `"none"`.
   */
  readonly compression?: Compression | ReadonlyArray<Compression> | undefined
  /**
   * Entries between two restart points of a block. Between restart points, a key stores only what
   * differs from the key before it. Default 16.
   */
  readonly restartInterval?: number | undefined
  /**
   * False-positive rate of the Bloom filters of new tables, from 0.000001 to 1. 1 writes no
   * filters. Default 0.01.
   */
  readonly filterFalsePositiveRate?: number | undefined
  /**
   * Memory for cached blocks, parts of indexes, filters and entries, shared by all tables of the
   * store. Default a sixteenth of the memory that the process may use, at most 128 MiB.
   */
  readonly blockCacheBytes?: number | undefined
  /**
   * The part of `blockCacheBytes` that single entries which were found in tables may take from
   * blocks. They also use the memory that blocks leave free, and blocks use what entries leave
   * free. An entry of more than 8 KiB is not cached. By default the part begins at three quarters,
   * and moves to the kind that is of more use: up to fifteen sixteenths, or down to a quarter while
   * there are only scans. 0 caches no entries.
   */
  readonly entryCacheBytes?: number | undefined
  /**
   * Values of at least this many bytes are kept apart from the tables, which then hold handles to
   * them. They stay in the segment of the log that they were written to, or are written to value
   * files. Compactions keep the handles and do not write these values again, until more than a
   * third of what these files hold is no longer in use. Existing values stay readable whatever this
   * option says. From 1 on; default 2 KiB; `Infinity` separates none.
   *
   * A store with separated values is not readable by releases before 3.1.
   */
  readonly valueThreshold?: number | undefined
  /** How many table files and value files may be open at once. Default 512. */
  readonly maxOpenTables?: number | undefined
  /** Size at which a compaction finishes a table and starts the next. Default 16 MiB. */
  readonly tableBytes?: number | undefined
  /** How many tables at level 0 start a compaction. Default 4. */
  readonly level0Tables?: number | undefined
  /**
   * How many tables at level 0 slow writers down. Default twice `level0Tables`, at most
   * `level0StopTables`.
   */
  readonly level0SlowdownTables?: number | undefined
  /**
   * How many tables at level 0 make writers wait for a compaction. Default three times
   * `level0Tables`, at least `level0SlowdownTables`.
   */
  readonly level0StopTables?: number | undefined
  /** Size limit of level 1. Default 64 MiB. */
  readonly level1Bytes?: number | undefined
  /**
   * How many times larger the limit of a level is than that of the level above, from level 2 on.
   * Default 10.
   */
  readonly levelRatio?: number | undefined
  /** The fraction of its limit at which a level is compacted. Default 0.85. */
  readonly compactionThreshold?: number | undefined
  /**
   * Whether memtables are flushed and tables compacted in a worker thread, so that they take no time
   * of the event loop. Default true.
   *
   * It applies to stores that `LsmStore.make`, `layer` and `layerConfig` open on Node. The thread
   * starts with the first flush or compaction of 1 MiB or more, and ends with the store. If it
   * cannot start, or is not wanted, the main thread does the work in slices.
   *
   * @since 3.1.0
   */
  readonly backgroundThread?: boolean | undefined
  /** Longest key. Default and maximum 64 KiB. */
  readonly maxKeyBytes?: number | undefined
  /** Longest value. Default and maximum 256 MiB. */
  readonly maxValueBytes?: number | undefined
  /**
   * How long a sync of the log may block the calling thread, in milliseconds. Default 1.
   *
   * While no background work writes, a sync that is expected to take no longer than this runs in
   * the calling thread. That is faster for a single writer on a fast disk. Several such syncs may
   * run before timers and sockets are served. All other syncs run in Node's thread pool; 0 runs
   * every sync there.
   */
  readonly inlineSyncMillis?: number | undefined
  /**
   * A snapshot that has been held for longer than this is logged as a Warning, once, when background
   * work next runs. Compactions keep what snapshots see, so one that is forgotten costs ever more
   * room. Default 5 minutes; `Duration.infinity` never warns.
   */
  readonly snapshotWarning?: Duration.DurationInput | undefined
  /**
   * How much of the history of writes is kept for `changes`: segments of the log that the store itself
   * does not need any more, up to `bytes` in all (default: no limit), and for `age` after they were
   * flushed (default: for ever). Checked when memtables are flushed. Default: none is kept. A reader
   * then sees what is written from the last flush on.
   *
   * @since 3.1.0
   */
  readonly changeRetention?:
    | { readonly bytes?: number | undefined; readonly age?: Duration.DurationInput | undefined }
    | undefined
  /**
   * One in this many gets and puts is timed for the latency histograms. 1 times all. Default 16.
   */
  readonly latencySampling?: number | undefined
  /**
   * Permissions of new files, from 0o600 to 0o666. The umask applies on top. Existing files keep
   * their permissions. Default 0o600: only the user may read and write.
   */
  readonly fileMode?: number | undefined
  /**
   * Permissions of new directories, from 0o700 to 0o777. The umask applies on top. Default 0o700.
   */
  readonly directoryMode?: number | undefined
  /**
   * The `store` label of the metrics. They are registered while the store is open. Stores that are
   * open at the same time under the same name share their metrics. Default `directory`, as given.
   */
  readonly name?: string | undefined
}

/**
 * How opening a store handles damaged files.
 *
 * - `"strict"`: opening fails with an error that names the file.
 * - `"pointInTime"`: the log is cut at its first damaged record, so the store is in the state of an
 *   earlier moment. Opening still fails if a table or the manifest is damaged.
 * - `"salvage"`: opening checks the whole store. If anything is damaged, all sound data is merged
 *   into new tables.
 *
 * `"pointInTime"` and `"salvage"` keep the original files in a separate directory before they
 * change anything. `stats.recovery` reports that directory and the losses.
 *
 * A torn end of the log, as a crash leaves it, is not damage. It is always dropped and reported.
 *
 * @since 3.0.0
 * @category models
 */
export type Recovery = "strict" | "pointInTime" | "salvage"

/**
 * Options of a store.
 *
 * @since 3.0.0
 * @category models
 */
export interface LsmOptions extends Tuning {
  /**
   * The directory of the store's files. It is created if it does not exist. A relative path is
   * resolved once, against the working directory at the time of opening.
   */
  readonly directory: string
  /**
   * Whether to create a store if the directory holds none. If false, opening fails with
   * `InvalidArgument` instead. Default true.
   */
  readonly createIfMissing?: boolean | undefined
  /**
   * Opens the store without changing its files. Default false.
   *
   * Operations that write fail with `StoreReadOnly`. The log is replayed into memory.
   *
   * A read-only store still locks the directory: opening fails with `StoreLocked` if the store is
   * open elsewhere, and no other process can open it until it is closed. The lock is a name in the
   * directory, which is removed on close. If the process has no permission to write to the
   * directory, it cannot lock it, and only checks once, when it opens, that no other process has
   * the store open.
   */
  readonly readOnly?: boolean | undefined
  /** How opening handles damaged files. Default `"strict"`. */
  readonly recovery?: Recovery | undefined
}

/**
 * @internal
 */
export const defaultFileMode = 0o600

/**
 * @internal
 */
export const defaultDirectoryMode = 0o700

/**
 * Options with all defaults filled in.
 *
 * @since 3.0.0
 * @category models
 */
export interface Settings {
  readonly directory: string
  readonly createIfMissing: boolean
  readonly readOnly: boolean
  readonly recovery: Recovery
  readonly fileMode: number
  readonly directoryMode: number
  readonly durability: "sync" | "buffered" | { readonly interval: Duration.Duration; readonly maxBytes: number }
  readonly memtableBytes: number
  readonly maxFrozenMemtables: number
  /** Undefined if the size depends on the compression of the level. */
  readonly blockBytes: number | undefined
  readonly compression: ReadonlyArray<Compression>
  readonly restartInterval: number
  readonly filterFalsePositiveRate: number
  readonly blockCacheBytes: number
  /** Undefined if the part that entries may take moves by itself. */
  readonly entryCacheBytes: number | undefined
  readonly valueThreshold: number
  readonly maxOpenTables: number
  readonly tableBytes: number
  readonly level0Tables: number
  readonly level0SlowdownTables: number
  readonly level0StopTables: number
  readonly level1Bytes: number
  readonly levelRatio: number
  readonly compactionThreshold: number
  readonly backgroundThread: boolean
  readonly maxKeyBytes: number
  readonly maxValueBytes: number
  readonly inlineSyncMillis: number
  readonly snapshotWarning: Duration.Duration
  readonly changeRetention: HistoryLimit
  readonly latencySampling: number
  readonly name: string
}

const recoveries: ReadonlyArray<Recovery> = ["strict", "pointInTime", "salvage"]

/** Default of `maxBytes` of an interval durability. */
const defaultIntervalBytes = 1024 * 1024

const KiB = 1024
const MiB = 1024 * KiB

/** The memory of the machine, or of the process's group if that is limited to less. */
const usableMemory = (): number => {
  if (usable === undefined) {
    const constrained = process.constrainedMemory?.() ?? 0
    usable = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
  }
  return usable
}

/** Each component of a store resolves the options, and Node reads files to find this out. */
let usable: number | undefined

const defaultCacheBytes = (): number => Math.min(128 * MiB, Math.floor(usableMemory() / 16))

/**
 * Checks options and fills in their defaults. Fails with an `InvalidArgument` that names the
 * option.
 *
 * @since 3.0.0
 * @category constructors
 */
export const resolveOptions = (options: LsmOptions): Effect.Effect<Settings, InvalidArgument> =>
  Effect.suspend(() => {
    if (resolved.has(options)) return Effect.succeed(options as Settings)
    try {
      const result = Object.freeze(resolve(options))
      resolved.add(result)
      return Effect.succeed(result)
    } catch (error) {
      if (error instanceof InvalidArgument) return Effect.fail(error)
      throw error
    }
  })

/**
 * The settings that `settings` returned. Parts of a store pass them in again, and get them back
 * unchanged.
 */
const resolved = new WeakSet<object>()

const fail = (argument: string, reason: string): never => {
  throw new InvalidArgument({ argument, reason })
}

const resolve = (options: LsmOptions): Settings => {
  if (typeof options !== "object" || options === null) fail("options", "must be an object")
  const { directory } = options
  if (typeof directory !== "string" || directory === "") fail("directory", "must be a path")
  const integer = (name: keyof Tuning, fallback: number, least: number, most: number): number => {
    const value = options[name] ?? fallback
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
      return fail(name, `must be a whole number from ${least} to ${most}, not ${String(value)}`)
    }
    return value
  }
  const real = (name: keyof Tuning, fallback: number, least: number, most: number): number => {
    const value = options[name] ?? fallback
    if (typeof value !== "number" || !(value >= least && value <= most)) {
      return fail(name, `must be a number from ${least} to ${most}, not ${String(value)}`)
    }
    return value
  }
  // The store itself needs the permissions of `least`.
  const mode = (name: "fileMode" | "directoryMode", least: number, most: number): number => {
    const value = options[name] ?? least
    if (!Number.isInteger(value) || (value & least) !== least || (value | most) !== most) {
      return fail(name, `must include the bits of 0o${least.toString(8)} and no bits outside 0o${most.toString(8)}`)
    }
    return value
  }
  const createIfMissing = options.createIfMissing ?? true
  const readOnly = options.readOnly ?? false
  const recovery = options.recovery ?? "strict"
  const backgroundThread = options.backgroundThread ?? true
  const name = options.name ?? directory
  if (typeof createIfMissing !== "boolean") fail("createIfMissing", "must be true or false")
  if (typeof readOnly !== "boolean") fail("readOnly", "must be true or false")
  if (typeof backgroundThread !== "boolean") fail("backgroundThread", "must be true or false")
  if (!recoveries.includes(recovery)) fail("recovery", `must be one of ${recoveries.join(", ")}`)
  if (readOnly && recovery === "salvage") fail("recovery", "a read-only store cannot be salvaged")
  if (typeof name !== "string") fail("name", "must be a string")
  const many = 2 ** 31 - 1
  const blockCacheBytes = integer("blockCacheBytes", defaultCacheBytes(), 0, 2 ** 40)
  const level0Tables = integer("level0Tables", 4, 1, 1000)
  const level0SlowdownTables = integer(
    "level0SlowdownTables",
    Math.max(level0Tables, Math.min(level0Tables * 2, Number(options.level0StopTables ?? many))),
    level0Tables,
    many
  )
  return {
    directory: resolvePath(directory),
    createIfMissing,
    readOnly,
    recovery,
    fileMode: mode("fileMode", defaultFileMode, 0o666),
    directoryMode: mode("directoryMode", defaultDirectoryMode, 0o777),
    durability: resolveDurability(options.durability ?? "sync", "durability"),
    memtableBytes: integer("memtableBytes", 64 * MiB, 1, 1024 * MiB),
    maxFrozenMemtables: integer("maxFrozenMemtables", 4, 1, 1000),
    blockBytes: options.blockBytes === undefined ? undefined : integer("blockBytes", KiB, 1, 64 * MiB),
    compression: resolveCompression(options.compression ?? "none"),
    restartInterval: integer("restartInterval", 16, 1, 65536),
    filterFalsePositiveRate: real("filterFalsePositiveRate", 0.01, 1e-6, 1),
    blockCacheBytes,
    entryCacheBytes:
      options.entryCacheBytes === undefined ? undefined : integer("entryCacheBytes", 0, 0, blockCacheBytes),
    valueThreshold:
      options.valueThreshold === Number.POSITIVE_INFINITY
        ? Number.POSITIVE_INFINITY
        : integer("valueThreshold", 2 * KiB, 1, many),
    maxOpenTables: integer("maxOpenTables", 512, 1, many),
    tableBytes: integer("tableBytes", 16 * MiB, 1, many),
    level0Tables,
    level0SlowdownTables,
    level0StopTables: integer(
      "level0StopTables",
      Math.max(level0Tables * 3, level0SlowdownTables),
      level0SlowdownTables,
      many
    ),
    level1Bytes: integer("level1Bytes", 64 * MiB, 1, 2 ** 40),
    levelRatio: real("levelRatio", 10, 2, 1000),
    compactionThreshold: real("compactionThreshold", 0.85, 0.01, 1),
    backgroundThread,
    maxKeyBytes: integer("maxKeyBytes", longestKey, 1, longestKey),
    maxValueBytes: integer("maxValueBytes", 256 * MiB, 1, 256 * MiB),
    inlineSyncMillis: real("inlineSyncMillis", 1, 0, 1000),
    snapshotWarning: resolveDuration(options.snapshotWarning ?? Duration.minutes(5), "snapshotWarning"),
    changeRetention: resolveRetention(options.changeRetention),
    latencySampling: integer("latencySampling", 16, 1, many),
    name
  }
}

const resolveCompression = (compression: Compression | ReadonlyArray<Compression>): ReadonlyArray<Compression> => {
  const byLevel: ReadonlyArray<Compression> = Array.isArray(compression) ? [...compression] : [compression]
  const known = byLevel.every((codec) => codec === "none" || codec === "deflate" || codec === "zstd")
  if (!known || byLevel.length === 0)
    return fail("compression", `must be "none", "deflate", "zstd" or an array of these`)
  if (byLevel.includes("zstd") && !hasZstd) return fail("compression", `"zstd" needs ${zstdNeeds}`)
  return byLevel
}

/**
 * The compression of tables written for a level.
 *
 * @internal
 */
export const codecAt = ({ compression }: Settings, level: number): Compression =>
  compression[Math.min(level, compression.length - 1)]!

/**
 * The size at which a value file is finished and the next one is started.
 *
 * @internal
 */
export const valueFileBytes = ({ tableBytes }: Settings): number => tableBytes * 4

const resolveDuration = (duration: Duration.DurationInput, argument: string): Duration.Duration => {
  const decoded = Duration.decodeUnknown(duration)
  if (decoded._tag === "None" || Duration.toMillis(decoded.value) <= 0) {
    return fail(argument, "must be a positive duration")
  }
  return decoded.value
}

const resolveRetention = (given: Tuning["changeRetention"]): HistoryLimit => {
  if (given === undefined) return { bytes: 0, millis: 0 }
  if (typeof given !== "object" || given === null || (given.bytes === undefined && given.age === undefined)) {
    return fail("changeRetention", "must have bytes, age or both")
  }
  const { age, bytes = Number.POSITIVE_INFINITY } = given
  if (bytes !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(bytes) && bytes >= 0)) {
    return fail("changeRetention", "bytes must be a whole number, not negative")
  }
  const millis =
    age === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(resolveDuration(age, "changeRetention"))
  return { bytes, millis }
}

/**
 * Checks a durability and fills in its defaults. Throws an `InvalidArgument` that names `argument`.
 *
 * @internal
 */
export const resolveDurability = (durability: Durability, argument: string): Settings["durability"] => {
  if (durability === "sync" || durability === "buffered") return durability
  if (typeof durability !== "object" || durability === null) {
    return fail(argument, `must be "sync", "buffered" or { interval, maxBytes }`)
  }
  const interval = Duration.decodeUnknown(durability.interval)
  if (interval._tag === "None" || !Duration.isFinite(interval.value) || Duration.toMillis(interval.value) <= 0) {
    return fail(argument, "interval must be a positive, finite duration")
  }
  const maxBytes = durability.maxBytes ?? defaultIntervalBytes
  if (!Number.isInteger(maxBytes) || maxBytes < 1) return fail(argument, "maxBytes must be a positive whole number")
  return { interval: interval.value, maxBytes }
}
