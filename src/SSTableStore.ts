/**
 * Table files: writing, opening, reading and removing them, and the block cache they share.
 *
 * @since 3.0.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { hash, secondHash } from "./core/bytes/hash.js"
import type { LookupKey } from "./core/bytes/lookupKey.js"
import { BlockCache } from "./core/cache/blockCache.js"
import { CacheShare } from "./core/cache/cacheShare.js"
import { EntryCache, memoryForAll } from "./core/cache/entryCache.js"
import { EntryKind } from "./core/cursor/entryKind.js"
import type { InternalCursor } from "./core/cursor/internalCursor.js"
import type { LookupResult } from "./core/cursor/lookupResult.js"
import type { RetentionPolicy } from "./core/cursor/retention.js"
import { StorageFailure } from "./core/storage/failure.js"
import { tableName, valuesName } from "./core/storage/fileNames.js"
import { closeQuietly, type StorageFile } from "./core/storage/storageDriver.js"
import { WrittenFiles } from "./core/storage/writtenFiles.js"
import { blockBytesOf } from "./core/table/blockSize.js"
import { Separation } from "./core/table/separation.js"
import { TableBuilder } from "./core/table/tableBuilder.js"
import { TableCursor, type TableCursorOptions } from "./core/table/tableCursor.js"
import type { Superseded, TableMeta } from "./core/table/tableFormat.js"
import { type TableLevels, TableLookup } from "./core/table/tableLookup.js"
import { ReadCounters, TableReader } from "./core/table/tableReader.js"
import { type WriterJobResult, writeTables } from "./core/table/tableWriterJob.js"
import type { LoggedValues } from "./core/values/loggedValues.js"
import { type ValueFile, valueFileName } from "./core/values/valueFile.js"
import { openValueFile, type ValueFileReader } from "./core/values/valueFileReader.js"
import { ValueFileWriter } from "./core/values/valueFileWriter.js"
import {
  type CachedValues,
  FileValueSource,
  type ValueSource,
  type ValueSourceOptions
} from "./core/values/valueSource.js"
import { ValuesInLog } from "./core/values/valuesInLog.js"
import { runSlices } from "./internal/storage/slices.js"
import type { FileError, InvalidArgument } from "./LsmError.js"
import { type Compression, codecAt, type LsmOptions, resolveOptions, valueFileBytes } from "./LsmOptions.js"
import { attempt, callback, Storage } from "./Storage.js"

export type {
  /**
   * Decides which entries a flush or a compaction keeps.
   *
   * @since 3.0.0
   * @category models
   */
  RetentionPolicy
} from "./core/cursor/retention.js"
export type {
  /**
   * How a cursor reads the blocks of a table.
   *
   * @since 3.0.0
   * @category models
   */
  TableCursorOptions
} from "./core/table/tableCursor.js"
export type {
  /**
   * Versions that are not the newest of their key in a table.
   *
   * @since 3.0.0
   * @category models
   */
  Superseded,
  /**
   * The properties of a table that are known without reading its blocks.
   *
   * @since 3.0.0
   * @category models
   */
  TableMeta
} from "./core/table/tableFormat.js"
export type {
  /**
   * Tables by level.
   *
   * @since 3.0.0
   * @category models
   */
  TableLevels
} from "./core/table/tableLookup.js"
export type {
  /**
   * The tables and value files that were written, and how many entries were read and dropped.
   *
   * @since 3.0.0
   * @category models
   */
  WriterJobResult
} from "./core/table/tableWriterJob.js"
export type {
  /**
   * A file that tables have handles to.
   *
   * @since 3.1.0
   * @category models
   */
  ValueFile,
  /**
   * The values of one file that a table has handles to.
   *
   * @since 3.1.0
   * @category models
   */
  ValueRef
} from "./core/values/valueFile.js"
export type {
  /**
   * Reads the values that handles stand for.
   *
   * @since 3.1.0
   * @category models
   */
  ValueSource,
  /**
   * How a cursor reads separated values.
   *
   * @since 3.1.0
   * @category models
   */
  ValueSourceOptions
} from "./core/values/valueSource.js"

/**
 * Entries to write as tables, and how.
 *
 * @since 3.0.0
 * @category models
 */
export interface WriteJob {
  readonly cursor: InternalCursor
  readonly retention: RetentionPolicy
  /** A table is closed when it has this many bytes. Versions of one key stay in one table. */
  readonly targetSize: number
  /** The level that the tables are for. */
  readonly level: number
  /** Returns the number of the next file. */
  readonly allocate: () => number
  /**
   * The files whose values are written anew. Handles to values in other files are kept. Default
   * none.
   */
  readonly collect?: ReadonlyArray<number> | undefined
  /**
   * Whether entries may be range deletions or expire. Default true.
   *
   * @since 3.1.0
   */
  readonly allKinds?: boolean | undefined
  /**
   * `cleared` of the tables. Default 0.
   *
   * @since 3.1.0
   */
  readonly cleared?: number | undefined
  /**
   * The places of the large values in a log segment. The tables get handles to them, and the result
   * names the segment as a file with values. Default: large values are copied to value files.
   *
   * @since 3.1.0
   */
  readonly loggedValues?: LoggedValues | undefined
}

/**
 * Figures of the tables: counts since the store was opened, and sizes now. Sizes are in bytes.
 *
 * @since 3.0.0
 * @category models
 */
export interface SSTableStatus {
  /** The block cache, entries of the entry cache included. */
  readonly cache: {
    readonly bytes: number
    readonly hits: number
    readonly misses: number
    readonly evictions: number
    /** Lookups served by the entry cache, without a block. */
    readonly entryHits: number
  }
  readonly filter: {
    readonly checks: number
    readonly negatives: number
    readonly falsePositives: number
  }
  /** Files of tables and of values that are open, and the bytes of the tables' indexes and filters. */
  readonly openTables: number
  readonly openTableBytes: number
}

/**
 * @since 3.0.0
 * @category models
 */
export interface SSTableStoreService {
  /** Sets the id of the store that owns the tables. Call it first. */
  readonly unsafeAttach: (storeId: Uint8Array) => void
  /**
   * Looks in the tables of a version for the newest version of a key at or before `sequence`. Sets
   * `result` and returns the level where it was found, also for a deletion; returns -1 if there is
   * none. `isNewest` says that no key has a version newer than `sequence`.
   */
  readonly unsafeFind: (
    version: TableLevels,
    key: LookupKey,
    sequence: number,
    isNewest: boolean,
    result: LookupResult
  ) => number
  /**
   * Offers a value that a handle led to for caching. `result` is that of the last `unsafeFind`, with
   * the value instead of the handle.
   *
   * @since 3.1.0
   */
  readonly unsafeOfferValue?: (key: LookupKey, result: LookupResult) => void
  /**
   * Returns a cursor over a table. It stays valid when the table's file is closed: the file is
   * opened again.
   */
  readonly unsafeCursor: (table: TableMeta, options: TableCursorOptions) => InternalCursor
  /**
   * Reads the values of entries of kind `valueHandle`. It stays valid when files are closed: they
   * are opened again.
   */
  readonly unsafeValues: (options: ValueSourceOptions) => ValueSource
  /** About how many bytes of the table's file precede a key. */
  readonly unsafeOffsetOf: (table: TableMeta, key: Uint8Array) => number
  /**
   * Writes a cursor's entries as tables, and large values to value files. Files and directory entries are durable when it returns.
   * On failure or interruption it removes them. The writing is interruptible even in an
   * uninterruptible region; once it has a result, it returns it.
   */
  readonly write: (job: WriteJob) => Effect.Effect<WriterJobResult, FileError>
  /**
   * Forgets the cached entries of the cursors' keys, in slices. The tables are about to get newer
   * versions of these keys, from a memtable that no longer changes. Until they have them, lookups
   * must find the keys in that memtable. All entries are forgotten if it has range deletions.
   * `largestSequence` is the memtable's: until a table has it, no entry is cached that no lookup
   * asked for.
   */
  readonly forgetEntries: (
    cursors: ReadonlyArray<InternalCursor>,
    largestSequence: number
  ) => Effect.Effect<void, FileError>
  /**
   * The superseded versions of a table. Undefined if the table has not been opened yet and they are
   * unknown.
   */
  readonly unsafeSuperseded: (table: TableMeta) => Superseded | undefined
  /** Whether a table that was opened has superseded versions. */
  readonly unsafeHasSuperseded: () => boolean
  /**
   * Opens the tables whose superseded versions are unknown, in slices. Older tables do not record
   * them and stay unknown.
   */
  readonly learnSuperseded: (tables: ReadonlyArray<TableMeta>) => Effect.Effect<void, FileError>
  /** Closes and removes a table that has no readers. */
  readonly remove: (fileNumber: number) => Effect.Effect<void, FileError>
  /** Closes and removes a file with values that no table has handles to. */
  readonly removeValues: (file: ValueFile) => Effect.Effect<void, FileError>
  readonly unsafeStatus: () => SSTableStatus
}

/**
 * @since 3.0.0
 * @category tags
 */
export class SSTableStore extends Context.Tag("effect-lsm/SSTableStore")<SSTableStore, SSTableStoreService>() {}

/** Bytes of entries written before the fiber yields to the event loop: 1 to 3 ms of work. */
const sliceBytes: Readonly<Record<Compression, number>> = {
  none: 384 * 1024,
  lz4: 256 * 1024,
  deflate: 96 * 1024,
  zstd: 96 * 1024
}

/** The part of the cache's budget that entries may take from blocks: at first, at least, at most. */
const usualShare = 3 / 4
const leastShare = 1 / 4
const mostShare = 15 / 16
/** A cached partition takes this many times its bytes, at most. */
const partitionCost = 1.2
/** What data blocks always get: so many bytes, or a part of the budget if that is less. */
const leastForBlocks = 1024 * 1024
const leastPartForBlocks = 1 / 16

/** Tables opened before the fiber yields to the event loop. */
const opensASlice = 16

/** Keys forgotten before the fiber yields to the event loop. */
const forgetsASlice = 8192

function* forgetKeys(entries: EntryCache, cursors: ReadonlyArray<InternalCursor>): Generator<void, void> {
  let keys = 0
  for (const cursor of cursors) {
    for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
      const { keyBytes, keyStart, keyEnd, kind } = cursor
      if (kind === EntryKind.rangeDeletion) return entries.forgetAll()
      const hash1 = hash(keyBytes, keyStart, keyEnd)
      entries.forget(hash1, secondHash)
      if (++keys % forgetsASlice === 0) yield
    }
  }
}

/** The values of a compaction's inputs are read in pieces of this size. */
const collectReadAhead = 64 * 1024

/** A table, or a file with values. */
interface OpenFile {
  readonly table: TableReader | undefined
  readonly values: ValueFileReader | undefined
  usedAt: number
}

/**
 * @since 3.0.0
 * @category constructors
 */
export const make = (options: LsmOptions): Effect.Effect<SSTableStoreService, InvalidArgument, Storage | Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* resolveOptions(options)
    const { directory, maxOpenTables, blockBytes, restartInterval, filterFalsePositiveRate, valueThreshold } = settings
    const storage = yield* Storage
    const { driver } = storage
    const { blockCacheBytes, entryCacheBytes, compression } = settings
    const largestBlock = Math.max(...compression.map((codec) => blockBytesOf(blockBytes, codec)))
    const cache: BlockCache = new BlockCache(
      blockCacheBytes,
      largestBlock,
      () => Math.min(entries.used, share.reserved),
      () => entries.giveBack(),
      () => share.countBlock(entries, cache),
      () => share.expected,
      () => partitionBytes
    )
    const open = new Map<number, OpenFile>()
    /** The version that was searched last. */
    let version: TableLevels | undefined
    /** What the cache needs for all partitions of the tables that are open. */
    let partitionBytes = 0
    const countPartitions = (table: TableReader, sign: 1 | -1): void => {
      partitionBytes += sign * table.index.partitionBytes * partitionCost
    }
    const neededForBlocks = (): number =>
      partitionBytes + Math.min(leastForBlocks, blockCacheBytes * leastPartForBlocks)
    /** Of tables that are not open, only the sizes of their files are known. */
    const allBlocks = (): number => {
      let size = 0
      let held = 0
      for (const { table } of open.values()) {
        if (table === undefined) continue
        size += table.properties.size
        held += table.slots.length * cache.slotBytes + table.index.partitionBytes
      }
      return size === 0 ? 0 : Math.ceil((held / size) * Math.max(size, version?.byteCount ?? 0))
    }
    const allEntries = (): number => (version === undefined ? Number.POSITIVE_INFINITY : memoryForAll(version))
    const share =
      entryCacheBytes === undefined
        ? new CacheShare(blockCacheBytes, usualShare, leastShare, mostShare, neededForBlocks, allBlocks, allEntries)
        : CacheShare.fixed(entryCacheBytes)
    const entries: EntryCache = new EntryCache({ total: blockCacheBytes, share, others: cache })
    const reads = new ReadCounters()
    /** Learned from the properties of tables: the manifest does not record it. */
    const superseded = new Map<number, Superseded>()
    let supersededEntries = 0
    const tableOptions = { restartInterval, filterFalsePositiveRate }
    let storeId = new Uint8Array(8)
    let clock = 0
    const pathOf = (fileNumber: number) => `${directory}/${tableName(fileNumber)}`

    const close = (fileNumber: number): void => {
      const known = open.get(fileNumber)
      if (known === undefined) return
      const { table, values } = known
      open.delete(fileNumber)
      if (table !== undefined) {
        countPartitions(table, -1)
        table.release()
      }
      closeQuietly((table ?? values!).file)
    }

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        for (const fileNumber of [...open.keys()]) close(fileNumber)
      })
    )

    /** Closes the least recently used files until at most `most` are open. */
    const closeDownTo = (most: number): void => {
      if (open.size === most + 1) return closeOldest()
      if (open.size <= most) return
      const byUse = [...open.entries()].sort((a, b) => a[1].usedAt - b[1].usedAt)
      for (const [fileNumber] of byUse.slice(0, open.size - most)) close(fileNumber)
    }

    /**
     * Closes one file. A merge of many tables does this for each, and a scan is much cheaper than
     * a sort.
     */
    const closeOldest = (): void => {
      let oldest: number | undefined
      let least = Number.POSITIVE_INFINITY
      for (const [fileNumber, { usedAt }] of open) {
        if (usedAt >= least) continue
        least = usedAt
        oldest = fileNumber
      }
      if (oldest !== undefined) close(oldest)
    }

    const openFile = (path: string): StorageFile => {
      try {
        return driver.openRead(path)
      } catch (failure) {
        // Out of descriptors: close half of ours and try once more.
        if (!(failure instanceof StorageFailure && failure.code === "EMFILE" && open.size > 0)) throw failure
        closeDownTo(open.size >>> 1)
        return driver.openRead(path)
      }
    }

    const learn = (fileNumber: number, found: Superseded | undefined): void => {
      if (found === undefined || superseded.has(fileNumber)) return
      superseded.set(fileNumber, found)
      supersededEntries += found.entries
    }

    const forget = (fileNumber: number): void => {
      supersededEntries -= superseded.get(fileNumber)?.entries ?? 0
      superseded.delete(fileNumber)
    }

    const supersededOf = (table: TableMeta) => table.superseded ?? superseded.get(table.fileNumber)

    const readerOf = (fileNumber: number): TableReader => {
      const known = open.get(fileNumber)
      if (known?.table !== undefined) {
        known.usedAt = ++clock
        return known.table
      }
      closeDownTo(maxOpenTables - 1)
      const file = openFile(pathOf(fileNumber))
      try {
        const reader = new TableReader(file, fileNumber, storeId, cache, reads)
        open.set(fileNumber, { table: reader, values: undefined, usedAt: ++clock })
        countPartitions(reader, 1)
        learn(fileNumber, reader.properties.superseded)
        return reader
      } catch (failure) {
        closeQuietly(file)
        throw failure
      }
    }

    const valuesOf = (fileNumber: number): ValueFileReader => {
      const known = open.get(fileNumber)
      if (known?.values !== undefined) {
        known.usedAt = ++clock
        return known.values
      }
      closeDownTo(maxOpenTables - 1)
      const values = openValueFile(openFile, directory, fileNumber, storeId)
      open.set(fileNumber, { table: undefined, values, usedAt: ++clock })
      return values
    }

    const valueSource = (sourceOptions: ValueSourceOptions, cached?: CachedValues) =>
      new FileValueSource(valuesOf, sourceOptions, directory, cached)
    const cachedValue: CachedValues = (bytes, start, end, sequence) => entries.copyOf(bytes, start, end, sequence)

    const countLookup = (source: TableLevels): void => {
      version = source
      share.countLookup(entries, cache)
    }
    const lookup = new TableLookup(entries, readerOf, countLookup, () => share.isForAll)

    const write: SSTableStoreService["write"] = (job) =>
      Effect.suspend(() => {
        const files = new WrittenFiles()
        const create = (kind: string, path: string): StorageFile => files.begin(kind, driver.create(path))
        const separation = new Separation({
          threshold: valueThreshold,
          fileSize: valueFileBytes(settings),
          begin: () => {
            if (job.loggedValues !== undefined) return new ValuesInLog(job.loggedValues)
            const fileNumber = job.allocate()
            return new ValueFileWriter(create("values", `${directory}/${valuesName(fileNumber)}`), fileNumber, storeId)
          },
          collect: new Set(job.collect),
          source: valueSource({ readAhead: collectReadAhead, giveValues: true })
        })
        const codec = codecAt(settings, job.level)
        const blockSize = blockBytesOf(blockBytes, codec)
        const steps = writeTables(job.cursor, {
          begin: () => {
            const fileNumber = job.allocate()
            return new TableBuilder(create("table", pathOf(fileNumber)), fileNumber, storeId, {
              ...tableOptions,
              blockSize,
              compression: codec,
              allKinds: job.allKinds ?? true
            })
          },
          retention: job.retention,
          targetSize: job.targetSize,
          sliceBytes: sliceBytes[codec],
          separation,
          cleared: job.cleared
        })
        const run = Effect.gen(function* () {
          const written = yield* runSlices(storage, steps)
          yield* callback((done) => files.sync(done))
          if (files.all.length > 0) yield* storage.syncDirectory(directory)
          for (const file of files.all) yield* attempt(() => file.close())
          return written
        })
        // Only the writing is interruptible: once it has a result, the result is kept.
        const written = Effect.onExit(Effect.interruptible(run), (exit) => {
          const removals = files.all.map((file) =>
            Effect.zipRight(
              Effect.sync(() => closeQuietly(file)),
              Exit.isSuccess(exit) ? Effect.void : Effect.ignore(storage.remove(file.path))
            )
          )
          const stopped = Effect.ignore(callback((done) => files.stop(() => done(undefined))))
          return Effect.zipRight(stopped, Effect.all(removals, { discard: true }))
        })
        return Effect.uninterruptible(written)
      })

    const service: SSTableStoreService = {
      unsafeAttach: (id) => {
        storeId = Uint8Array.from(id)
      },
      unsafeFind: (version, key, sequence, isNewest, result) => lookup.find(version, key, sequence, isNewest, result),
      unsafeOfferValue: (key, result) => lookup.offerValue(key, result),
      unsafeCursor: (table, cursorOptions) => new TableCursor(() => readerOf(table.fileNumber), cursorOptions),
      unsafeValues: (sourceOptions) => valueSource(sourceOptions, cachedValue),
      unsafeOffsetOf: (table, key) => {
        const { index } = readerOf(table.fileNumber)
        const block = index.find(key, key.length)
        if (block === index.count) return table.size
        index.place(block)
        return index.offset
      },
      write,
      forgetEntries: (cursors, largestSequence) =>
        Effect.suspend(() => {
          lookup.awaitVersions(largestSequence)
          return entries.isEmpty ? Effect.void : runSlices(storage, forgetKeys(entries, cursors))
        }),
      unsafeSuperseded: supersededOf,
      unsafeHasSuperseded: () => supersededEntries > 0,
      learnSuperseded: (metas) =>
        Effect.suspend(() => {
          const unknown = metas.filter((table) => supersededOf(table) === undefined)
          return runSlices(
            storage,
            (function* () {
              for (const [i, { fileNumber }] of unknown.entries()) {
                if (i % opensASlice === opensASlice - 1) yield
                readerOf(fileNumber)
              }
            })()
          )
        }),
      remove: (fileNumber) =>
        Effect.suspend(() => {
          forget(fileNumber)
          close(fileNumber)
          return storage.remove(pathOf(fileNumber))
        }),
      removeValues: (file) =>
        Effect.suspend(() => {
          close(file.fileNumber)
          return storage.remove(`${directory}/${valueFileName(file)}`)
        }),
      unsafeStatus: () => {
        let openTableBytes = 0
        for (const { table } of open.values()) openTableBytes += table?.memory ?? 0
        return {
          cache: {
            bytes: cache.used + entries.used,
            hits: cache.hits,
            misses: cache.misses,
            evictions: cache.evictions,
            entryHits: entries.hits
          },
          filter: {
            checks: reads.filterChecks,
            negatives: reads.filterNegatives,
            falsePositives: reads.filterFalsePositives
          },
          openTables: open.size,
          openTableBytes
        }
      }
    }
    return service
  })

/**
 * @since 3.0.0
 * @category layers
 */
export const layer = (options: LsmOptions): Layer.Layer<SSTableStore, InvalidArgument, Storage> =>
  Layer.scoped(SSTableStore, make(options))
