/**
 * How a store is set up: every option, its unit and its default.
 *
 * @since 0.1.0
 */
import { resolve as resolvePath } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { longestKey } from "./core/bytes/lookupKey.js"
import { InvalidArgument } from "./LsmError.js"

/**
 * When a write is acknowledged.
 *
 * - `"sync"`: when it is on disk. Writers that wait at the same time share one sync.
 * - `"buffered"`: when the operating system has it: it survives the end of the process, not a power cut.
 * - `{ interval, maxBytes }`: at once. It is on disk after `interval`, or once `maxBytes` bytes of log wait for it,
 *   whichever comes first; what has not been synced by then may be lost with the process.
 *
 * @since 0.1.0
 * @category models
 */
export type Durability =
  | "sync"
  | "buffered"
  | { readonly interval: Duration.DurationInput; readonly maxBytes?: number | undefined }

/**
 * How the blocks of tables are stored: as they are, or deflated (RFC 1951) one by one. A block that deflate does not make smaller by an
 * eighth is stored as it is.
 *
 * @since 0.1.0
 * @category models
 */
export type Compression = "none" | "deflate"

/**
 * Options that tune a store. Sizes are in bytes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Tuning {
  /** When a write is acknowledged, unless the write says otherwise. Default `"sync"`. */
  readonly durability?: Durability | undefined
  /**
   * Memory of one memtable: keys, values and overhead. A full one is frozen and flushed. Default 64 MiB, at most 1 GiB: a log segment
   * holds what goes into one memtable, and is read whole.
   */
  readonly memtableBytes?: number | undefined
  /** Frozen memtables that may wait for their flush before writers wait too. Default 4. */
  readonly maxFrozenMemtables?: number | undefined
  /** A data block is closed before it would go beyond this size; one with a single key may. Default 4 KiB. */
  readonly blockBytes?: number | undefined
  /**
   * Compression of the tables to be written: one for all levels, or one a level from level 0 on, the last of which goes for all deeper
   * levels too. Tables that are there are read whatever theirs is. Cached blocks are not compressed. Default `"none"`.
   */
  readonly compression?: Compression | ReadonlyArray<Compression> | undefined
  /** Entries of a block that share their keys' beginnings. Default 16. */
  readonly restartInterval?: number | undefined
  /** False-positive rate of the tables' Bloom filters, above 0; 1 leaves them out. Default 0.01. */
  readonly filterFalsePositiveRate?: number | undefined
  /** Memory for cached blocks and entries, shared by all tables of the store. Default 64 MiB. */
  readonly blockCacheBytes?: number | undefined
  /**
   * How much of it is kept for single entries that gets found in tables, of up to a kilobyte each, at most 4,194,304. They take what cached blocks
   * leave of the rest too. Default a sixteenth; 0 holds none.
   */
  readonly entryCacheBytes?: number | undefined
  /** Table files kept open at most. Default 512. */
  readonly maxOpenTables?: number | undefined
  /** Size at which a compaction closes a table and begins the next. Default 16 MiB. */
  readonly tableBytes?: number | undefined
  /** Tables at level 0 that call for a compaction. Default 4. */
  readonly level0Tables?: number | undefined
  /** Tables at level 0 from which writers are slowed down. Default twice `level0Tables`, at most `level0StopTables`. */
  readonly level0SlowdownTables?: number | undefined
  /** Tables at level 0 from which writers wait. Default three times `level0Tables`. */
  readonly level0StopTables?: number | undefined
  /** Bytes at level 1 that call for a compaction. Default 64 MiB. */
  readonly level1Bytes?: number | undefined
  /** How many times more a level holds than the level above it, from level 2 on. Default 10. */
  readonly levelRatio?: number | undefined
  /** A level is compacted early, at this part of its limit. Default 0.85. */
  readonly compactionThreshold?: number | undefined
  /** Longest key. Default and most 64 KiB. */
  readonly maxKeyBytes?: number | undefined
  /** Longest value. Default and most 256 MiB. */
  readonly maxValueBytes?: number | undefined
  /**
   * Syncs of the log that are expected to take no longer than this, in milliseconds, are done in the calling thread and hold it for so
   * long, one after the other before timers and sockets have their turn, while no background work writes: one writer makes 1.7 times as many synced writes
   * where a sync takes 0.2 ms. 0 does them all in Node's thread pool. Default 1.
   */
  readonly inlineSyncMillis?: number | undefined
  /** One in so many gets and puts is timed for the latency histograms; 1 times them all. Default 16. */
  readonly latencySampling?: number | undefined
  /**
   * The permissions of files that are made, at least 0o600, at most 0o666. The umask narrows them further; files that are there keep theirs.
   * Default 0o600: only the user may read and write.
   */
  readonly fileMode?: number | undefined
  /** The same of directories, at least 0o700, at most 0o777. Default 0o700. */
  readonly directoryMode?: number | undefined
  /**
   * The `store` label of the metrics, which are registered while the store is open. Stores that are open at once under one name count together.
   * Default the directory, as it is given.
   */
  readonly name?: string | undefined
}

/**
 * What is done about damage when a store is opened. A torn end of the log, such as a crash leaves, is none: it is always
 * dropped, and reported.
 *
 * - `"strict"`: opening fails, and names the file.
 * - `"pointInTime"`: the log ends where its damage begins: the store is as it was at some moment. Damage to tables or to the
 *   manifest still fails.
 * - `"salvage"`: the whole store is checked; if anything is damaged, all that is sound is merged into new tables.
 *
 * The latter two keep the original files aside before they change anything, and report in `stats.recovery` what was lost.
 *
 * @since 0.1.0
 * @category models
 */
export type Recovery = "strict" | "pointInTime" | "salvage"

/**
 * Options of a store.
 *
 * @since 0.1.0
 * @category models
 */
export interface LsmOptions extends Tuning {
  /**
   * The directory of the store's files. Made if it does not exist. A relative path is resolved once, against the working directory at the time of
   * opening.
   */
  readonly directory: string
  /** Whether a store is made where there is none. Default true; otherwise opening fails with `InvalidArgument`. */
  readonly createIfMissing?: boolean | undefined
  /**
   * Opens the store without changing a byte of its files: what would write fails with `StoreReadOnly`. The log is
   * replayed into memory. There is still one owner: a directory that is open elsewhere fails with `StoreLocked`, and while a reader
   * has it, nobody else opens it. For that it takes a name in the directory, which goes when it closes. A reader that may not write to the
   * directory only makes sure that there is no owner when it opens. Default false.
   */
  readonly readOnly?: boolean | undefined
  /** What is done about damage. Default `"strict"`. */
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
 * Options with their defaults filled in.
 *
 * @since 0.1.0
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
  readonly blockBytes: number
  readonly compression: ReadonlyArray<Compression>
  readonly restartInterval: number
  readonly filterFalsePositiveRate: number
  readonly blockCacheBytes: number
  readonly entryCacheBytes: number
  readonly maxOpenTables: number
  readonly tableBytes: number
  readonly level0Tables: number
  readonly level0SlowdownTables: number
  readonly level0StopTables: number
  readonly level1Bytes: number
  readonly levelRatio: number
  readonly compactionThreshold: number
  readonly maxKeyBytes: number
  readonly maxValueBytes: number
  readonly inlineSyncMillis: number
  readonly latencySampling: number
  readonly name: string
}

const recoveries: ReadonlyArray<Recovery> = ["strict", "pointInTime", "salvage"]

/** Bytes of log that an interval durability lets wait when it does not say. */
const defaultIntervalBytes = 1024 * 1024

const KiB = 1024
const MiB = 1024 * KiB

/**
 * Checks options and fills in their defaults. Fails with `InvalidArgument`, which names the option.
 *
 * @since 0.1.0
 * @category constructors
 */
export const settings = (options: LsmOptions): Effect.Effect<Settings, InvalidArgument> =>
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

/** Settings are settings already: a store resolves its options once for all its parts. */
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
  // Without its own rights a store could not go on.
  const mode = (name: "fileMode" | "directoryMode", least: number, most: number): number => {
    const value = options[name] ?? least
    if (!Number.isInteger(value) || (value & least) !== least || (value | most) !== most) {
      return fail(name, `must have the bits of 0o${least.toString(8)} and none beyond 0o${most.toString(8)}`)
    }
    return value
  }
  const createIfMissing = options.createIfMissing ?? true
  const readOnly = options.readOnly ?? false
  const recovery = options.recovery ?? "strict"
  const name = options.name ?? directory
  if (typeof createIfMissing !== "boolean") fail("createIfMissing", "must be true or false")
  if (typeof readOnly !== "boolean") fail("readOnly", "must be true or false")
  if (!recoveries.includes(recovery)) fail("recovery", `must be one of ${recoveries.join(", ")}`)
  if (readOnly && recovery === "salvage") fail("recovery", "a store that is open for reading only cannot be salvaged")
  if (typeof name !== "string") fail("name", "must be a string")
  const many = 2 ** 31 - 1
  const blockCacheBytes = integer("blockCacheBytes", 64 * MiB, 0, 2 ** 40)
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
    blockBytes: integer("blockBytes", 4 * KiB, 1, 64 * MiB),
    compression: resolveCompression(options.compression ?? "none"),
    restartInterval: integer("restartInterval", 16, 1, 65536),
    filterFalsePositiveRate: real("filterFalsePositiveRate", 0.01, 1e-6, 1),
    blockCacheBytes,
    entryCacheBytes: integer("entryCacheBytes", Math.floor(blockCacheBytes / 16), 0, blockCacheBytes),
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
    maxKeyBytes: integer("maxKeyBytes", longestKey, 1, longestKey),
    maxValueBytes: integer("maxValueBytes", 256 * MiB, 1, 256 * MiB),
    inlineSyncMillis: real("inlineSyncMillis", 1, 0, 1000),
    latencySampling: integer("latencySampling", 16, 1, many),
    name
  }
}

const resolveCompression = (compression: Compression | ReadonlyArray<Compression>): ReadonlyArray<Compression> => {
  const byLevel: ReadonlyArray<Compression> = Array.isArray(compression) ? [...compression] : [compression]
  const known = byLevel.every((codec) => codec === "none" || codec === "deflate")
  return known && byLevel.length > 0 ? byLevel : fail("compression", `must be "none", "deflate" or an array of these`)
}

/**
 * The compression of tables written for a level.
 *
 * @internal
 */
export const codecAt = ({ compression }: Settings, level: number): Compression =>
  compression[Math.min(level, compression.length - 1)]!

/**
 * Checks a durability and fills in its defaults.
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
    return fail(argument, "its interval must be a positive, finite duration")
  }
  const maxBytes = durability.maxBytes ?? defaultIntervalBytes
  if (!Number.isInteger(maxBytes) || maxBytes < 1) return fail(argument, "its maxBytes must be a positive whole number")
  return { interval: interval.value, maxBytes }
}
