/**
 * The options of a store, with their units and defaults.
 *
 * @since 3.0.0
 */
import { totalmem } from "node:os"
import { resolve as resolvePath } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HistoryLimit } from "./core/log/retainedSegment.js"
import { faultOf } from "./core/options/check.js"
import type { Description } from "./core/options/kinds.js"
import { unknownName } from "./core/options/nearest.js"
import { options as described, isOptionName, type OptionName, optionNames } from "./core/options/options.js"
import { presets as known, type PresetName } from "./core/options/presets.js"
import { hasZstd, zstdNeeds } from "./core/table/compression.js"
import { checkFields } from "./internal/options/checkFields.js"
import { checkValue } from "./internal/options/checkValue.js"
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
 * - `"lz4"`: each block is compressed with LZ4, which takes 1 to 4 ns a byte. A block that would shrink by
 *   less than an eighth is stored uncompressed.
 * - `"deflate"`: the same with DEFLATE (RFC 1951), which is smaller and slower.
 * - `"zstd"`: the same with Zstandard (RFC 8878), which takes less time than DEFLATE. It needs `node:zlib` of Node
 *   22.15 or later, also for reading: elsewhere, a table that has it fails with `UnsupportedFormat`.
 *
 * @since 3.0.0
 * @category models
 */
export type Compression = "none" | "lz4" | "deflate" | "zstd"

/**
 * The name of a preset.
 *
 * @since 3.1.0
 * @category models
 */
export type Preset = PresetName

/**
 * Options that tune a store. All are optional. Sizes are in bytes.
 *
 * @since 3.0.0
 * @category models
 */
export interface Tuning {
  /**
   * Options for one kind of use: see `presets`. Each option that is given beside it replaces that of the
   * preset. Default: none.
   *
   * @since 3.1.0
   */
  readonly preset?: Preset | undefined
  /** When a write is acknowledged. A single write can override it. Default `"sync"`. */
  readonly durability?: Durability | undefined
  /**
   * Memory of one memtable: keys, values and overhead. A full memtable is frozen and flushed to a
   * table. Default 64 MiB, at most 1 GiB: a log segment holds the writes of one memtable, and
   * recovery reads it as a whole. If large values (`valueThreshold`) are most of a memtable, a quarter
   * of it, or 16 MiB if that is more, makes it full.
   */
  readonly memtableBytes?: number | undefined
  /** How many frozen memtables may wait for a flush before writers wait too. Default 4. */
  readonly maxFrozenMemtables?: number | undefined
  /**
   * Largest size of a data block. A block with a single key may be larger. Default 2 KiB, and 4 KiB
   * for levels with deflate or zstd: a lookup reads and checks a whole block, and these need larger ones
   * to be worth their time.
   */
  readonly blockBytes?: number | undefined
  /**
   * Compression of new tables: one value for all levels, or an array with one value per level,
   * starting at level 0. The last value of the array applies to all deeper levels. Existing tables
   * stay readable whatever this option says. Cached blocks are not compressed, and neither are values
   * that are kept apart from tables. Default `"lz4"`.
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
   * store. Default a sixteenth of the memory that the process may use, at most 256 MiB.
   */
  readonly blockCacheBytes?: number | undefined
  /**
   * The part of `blockCacheBytes` that single entries which were found in tables may take from
   * blocks. They also use the memory that blocks leave free, and blocks use what entries leave
   * free. An entry of more than 66 KiB is not cached, one of more than 2 KiB only when it is asked
   * for twice. By default the part moves to the kind that is of more use. It begins at three
   * quarters, and goes up to fifteen sixteenths, or down to a quarter while there are only scans.
   * If `blockCacheBytes` has room for all entries of the store, lookups cache whole blocks as
   * entries. If it only has room for all blocks, the part is what the blocks leave. If that is
   * little, the part is a thirty-second, and up to an eighth if entries are of use. 0 caches no
   * entries.
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
   * starts with the first flush of 1 MiB or more or compaction of 4 MiB or more, and ends with the
   * store. Compactions of 1 MiB or more start it too when all before them had 8 MiB together. If it
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
   * One in this many gets and puts is timed for the latency histograms. 1 times all. Default 64.
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

/**
 * Options for kinds of use. `{ preset: "small" }` and `{ ...LsmOptions.presets.small }` are the same.
 * None of them changes what an acknowledged write guarantees.
 *
 * - `small`: little memory, for a store in a small process or beside many others.
 * - `writeHeavy`: for loads that mostly write.
 * - `readHeavy`: for loads that mostly get keys at random from more data than the usual cache holds.
 * - `largeValues`: for values of 1 KiB and more that are seldom scanned.
 *
 * @since 3.1.0
 * @category presets
 */
export const presets: Readonly<Record<Preset, Tuning>> = known

const MiB = 1024 * 1024

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

const defaultCacheBytes = (): number => Math.min(256 * MiB, Math.floor(usableMemory() / 16))

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

/** Fails if an object has a name that is no option. What is undefined counts as absent. */
const refuseUnknown = (options: LsmOptions): void => {
  for (const name of Object.keys(options)) {
    if (!isOptionName(name) && options[name as keyof LsmOptions] !== undefined) {
      fail(name, unknownName(name, optionNames))
    }
  }
}

/** The options of the preset, and those that are given beside it. */
const withPreset = (options: LsmOptions): LsmOptions => {
  const { preset } = options
  if (preset === undefined) return options
  const fault = faultOf(described.preset.kind, preset)
  if (fault !== undefined) return fail("preset", fault)
  const merged: Record<string, unknown> = { ...known[preset] }
  for (const [name, value] of Object.entries(options)) if (value !== undefined) merged[name] = value
  return merged as unknown as LsmOptions
}

/** Another default or other bounds, which depend on other options. */
interface Dependent {
  readonly fallback?: unknown
  readonly least?: number
  readonly most?: number
}

const resolve = (given: LsmOptions): Settings => {
  if (typeof given !== "object" || given === null) fail("options", "must be an object")
  refuseUnknown(given)
  const options = withPreset(given)
  const take = <A>(name: OptionName, { fallback, ...bounds }: Dependent = {}): A => {
    const description: Description = described[name]
    const kind = { ...description.kind, ...bounds }
    const value = options[name] ?? fallback ?? description.fallback
    const checked = kind.type === "fields" ? checkFields(kind, value) : checkValue(kind, value)
    return "fault" in checked ? fail(name, checked.fault) : (checked.value as A)
  }
  const optional = <A>(name: OptionName, bounds?: Dependent): A | undefined =>
    options[name] === undefined ? undefined : take<A>(name, bounds)
  const directory = take<string>("directory")
  const readOnly = take<boolean>("readOnly")
  const recovery = take<Recovery>("recovery")
  if (readOnly && recovery === "salvage") fail("recovery", "a read-only store cannot be salvaged")
  const blockCacheBytes = take<number>("blockCacheBytes", { fallback: defaultCacheBytes() })
  const level0Tables = take<number>("level0Tables")
  const stop = options.level0StopTables ?? Number.POSITIVE_INFINITY
  const level0SlowdownTables = take<number>("level0SlowdownTables", {
    fallback: Math.max(level0Tables, Math.min(level0Tables * 2, Number(stop))),
    least: level0Tables
  })
  return {
    directory: resolvePath(directory),
    createIfMissing: take("createIfMissing"),
    readOnly,
    recovery,
    fileMode: take("fileMode"),
    directoryMode: take("directoryMode"),
    durability: take("durability"),
    memtableBytes: take("memtableBytes"),
    maxFrozenMemtables: take("maxFrozenMemtables"),
    blockBytes: optional("blockBytes"),
    compression: byLevel(take("compression")),
    restartInterval: take("restartInterval"),
    filterFalsePositiveRate: take("filterFalsePositiveRate"),
    blockCacheBytes,
    entryCacheBytes: optional("entryCacheBytes", { most: blockCacheBytes }),
    valueThreshold: take("valueThreshold"),
    maxOpenTables: take("maxOpenTables"),
    tableBytes: take("tableBytes"),
    level0Tables,
    level0SlowdownTables,
    level0StopTables: take("level0StopTables", {
      fallback: Math.max(level0Tables * 3, level0SlowdownTables),
      least: level0SlowdownTables
    }),
    level1Bytes: take("level1Bytes"),
    levelRatio: take("levelRatio"),
    compactionThreshold: take("compactionThreshold"),
    backgroundThread: take("backgroundThread"),
    maxKeyBytes: take("maxKeyBytes"),
    maxValueBytes: take("maxValueBytes"),
    inlineSyncMillis: take("inlineSyncMillis"),
    snapshotWarning: take("snapshotWarning"),
    changeRetention: historyLimit(options.changeRetention),
    latencySampling: take("latencySampling"),
    name: take("name", { fallback: directory })
  }
}

const byLevel = (compression: Compression | ReadonlyArray<Compression>): ReadonlyArray<Compression> => {
  const codecs = typeof compression === "string" ? [compression] : [...compression]
  if (codecs.includes("zstd") && !hasZstd) return fail("compression", `"zstd" needs ${zstdNeeds}`)
  return codecs
}

const historyLimit = (given: Tuning["changeRetention"]): HistoryLimit => {
  if (given === undefined) return { bytes: 0, millis: 0 }
  // Settings that are spread into other options.
  if (isHistoryLimit(given)) return given
  const checked = checkFields(described.changeRetention.kind, given)
  if ("fault" in checked) return fail("changeRetention", checked.fault)
  const { age, bytes = Number.POSITIVE_INFINITY } = checked.value as {
    readonly bytes?: number
    readonly age?: Duration.Duration
  }
  return { bytes, millis: age === undefined ? Number.POSITIVE_INFINITY : Duration.toMillis(age) }
}

const isHistoryLimit = (given: object): given is HistoryLimit =>
  given !== null && typeof given === "object" && "millis" in given && "bytes" in given

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

/**
 * Checks a durability and fills in its defaults. Throws an `InvalidArgument` that names `argument`.
 *
 * @internal
 */
export const resolveDurability = (durability: Durability, argument: string): Settings["durability"] => {
  // Writes pass one of these most of the time.
  if (durability === "sync" || durability === "buffered") return durability
  const checked = checkFields(described.durability.kind, durability)
  return "fault" in checked ? fail(argument, checked.fault) : (checked.value as Settings["durability"])
}
