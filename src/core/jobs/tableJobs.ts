import { BlockCache } from "../cache/blockCache.js"
import { clearedBy, type MergeInputs, needsAllKinds } from "../compaction/mergeInputs.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import { mergeCursors } from "../cursor/mergeCursor.js"
import { Retention, retentionOf } from "../cursor/retention.js"
import { SegmentReader } from "../log/logSegment.js"
import { isAbsentFrom } from "../manifest/version.js"
import { type SegmentCursor, type SequenceRange, segmentCursor } from "../memtable/segmentCursor.js"
import { isFailure } from "../storage/failure.js"
import { logName, tableName, valuesName } from "../storage/fileNames.js"
import type { Done } from "../storage/nodeDirectory.js"
import { closeQuietly, type StorageDriver, type StorageFile } from "../storage/storageDriver.js"
import { WrittenFiles } from "../storage/writtenFiles.js"
import { blockBytesOf } from "../table/blockSize.js"
import type { Codec } from "../table/compression.js"
import { LevelCursor } from "../table/levelCursor.js"
import { Separation } from "../table/separation.js"
import { TableBuilder } from "../table/tableBuilder.js"
import { TableCursor } from "../table/tableCursor.js"
import type { TableMeta } from "../table/tableFormat.js"
import { ReadCounters, TableReader } from "../table/tableReader.js"
import { type WriterJobResult, writeTables } from "../table/tableWriterJob.js"
import { openValueFile, type ValueFileReader } from "../values/valueFileReader.js"
import { ValueFileWriter } from "../values/valueFileWriter.js"
import { FileValueSource, type ValueSource } from "../values/valueSource.js"
import { SegmentMemory } from "./segmentMemory.js"

/** Files as jobs need them. */
export interface JobStorage {
  readonly driver: StorageDriver
  /** Yields to the event loop once, then calls back. */
  readonly turn: (next: () => void) => void
  readonly remove: (path: string, done: Done) => void
  readonly syncDirectory: (path: string, done: Done) => void
}

/** The options for reading and writing tables. */
export interface TableOptions {
  readonly directory: string
  readonly maxOpenTables: number
  /** Values of at least this many bytes are written to value files. */
  readonly valueThreshold: number
  /** A value file of at least this many bytes is finished. */
  readonly valueFileBytes: number
  /** Undefined if the size depends on the compression of the level. */
  readonly blockBytes: number | undefined
  readonly restartInterval: number
  readonly filterFalsePositiveRate: number
  readonly compression: ReadonlyArray<Codec>
  readonly fileMode: number
  readonly directoryMode: number
}

interface TableRequest {
  readonly options: TableOptions
  readonly storeId: Uint8Array
  /** The sequence numbers of snapshots, ascending. Versions that they see are kept. */
  readonly snapshots: ReadonlyArray<number>
  /** Entries that expire until then have expired for all readers. */
  readonly expiredUntil?: number | undefined
  /** The numbers of new tables, in order. */
  readonly fileNumbers: ReadonlyArray<number>
}

/** A merge of tables. */
export interface MergeRequest extends TableRequest, MergeInputs {
  /** A table is closed when it has this many bytes. */
  readonly targetSize: number
  readonly level: number
  /** The files whose values are written anew. */
  readonly collect: ReadonlyArray<number>
}

/** A flush of the memtable whose records a log segment holds. */
export interface FlushRequest extends TableRequest {
  readonly segment: number
  readonly sequences: SequenceRange
}

/**
 * A log segment cannot be read, or does not hold what the memtable holds. The store flushes the
 * memtable itself then.
 */
export class SegmentFailure extends Error {
  readonly _kind = "SegmentFailure"
}

/** A job under way. `outcome` is undefined if the job was cancelled. Its files are removed then. */
export interface Job {
  readonly outcome: Promise<WriterJobResult | undefined>
  readonly cancel: () => void
}

/** The compression of tables of a level. */
export const codecAt = (compression: ReadonlyArray<Codec>, level: number): Codec =>
  compression[Math.min(level, compression.length - 1)]!

/** Bytes of entries written between two turns of the event loop: 1 to 2 ms of work. */
const sliceBytes = 256 * 1024
/** The inputs of a merge are read in pieces of this size. */
const readAhead = 256 * 1024
/** The same for values. */
const valueReadAhead = 64 * 1024

/**
 * The input tables of one merge. At most `maxOpenTables` are open; the least recently used is closed
 * first.
 */
class Inputs {
  private readonly open = new Map<number, TableReader>()
  private readonly openValues = new Map<number, ValueFileReader>()
  private readonly cache = new BlockCache(0, 0)
  private readonly reads = new ReadCounters()

  constructor(
    private readonly driver: StorageDriver,
    private readonly options: TableOptions,
    private readonly storeId: Uint8Array
  ) {}

  cursor(runs: MergeInputs["runs"]): InternalCursor {
    const open = ({ fileNumber }: TableMeta) =>
      new TableCursor(() => this.readerOf(fileNumber), { readAhead, fillCache: false })
    return mergeCursors(runs.map((run) => (run.length === 1 ? open(run[0]!) : new LevelCursor(run, open))))
  }

  /** Reads the values of the files that a merge collects. */
  get values(): ValueSource {
    const options = { readAhead: valueReadAhead, giveValues: true }
    return new FileValueSource((fileNumber) => this.valuesOf(fileNumber), options, this.options.directory)
  }

  close(): void {
    for (const fileNumber of [...this.open.keys()]) this.closeOne(fileNumber)
    for (const { file } of this.openValues.values()) closeQuietly(file)
    this.openValues.clear()
  }

  private valuesOf(fileNumber: number): ValueFileReader {
    const known = this.openValues.get(fileNumber)
    if (known !== undefined) return known
    const [oldest] = this.openValues
    if (oldest !== undefined && this.openValues.size >= this.options.maxOpenTables) {
      this.openValues.delete(oldest[0])
      closeQuietly(oldest[1].file)
    }
    const reader = openValueFile((path) => this.driver.openRead(path), this.options.directory, fileNumber, this.storeId)
    this.openValues.set(fileNumber, reader)
    return reader
  }

  private readerOf(fileNumber: number): TableReader {
    const known = this.open.get(fileNumber)
    if (known !== undefined) {
      this.open.delete(fileNumber)
      this.open.set(fileNumber, known)
      return known
    }
    const [oldest] = this.open.keys()
    if (oldest !== undefined && this.open.size >= this.options.maxOpenTables) this.closeOne(oldest)
    const file = this.driver.openRead(`${this.options.directory}/${tableName(fileNumber)}`)
    try {
      const reader = new TableReader(file, fileNumber, this.storeId, this.cache, this.reads)
      this.open.set(fileNumber, reader)
      return reader
    } catch (failure) {
      closeQuietly(file)
      throw failure
    }
  }

  private closeOne(fileNumber: number): void {
    const reader = this.open.get(fileNumber)
    if (reader === undefined) return
    this.open.delete(fileNumber)
    reader.release()
    closeQuietly(reader.file)
  }
}

const settled = (run: (done: Done) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    run((failure) => (failure === undefined ? resolve() : reject(failure)))
  })

interface Writing {
  readonly cursor: InternalCursor
  readonly collect: ReadonlyArray<number>
  readonly values: ValueSource
  readonly retention: Retention
  readonly targetSize: number
  readonly level: number
  readonly allKinds: boolean
  /** The newest range deletion that the job takes account of; 0 if there is none. */
  readonly newestRange: number
}

/**
 * Runs flushes and merges. A merge waits between two slices while a flush is under way: writers may
 * be waiting for the flush.
 */
export class TableJobs {
  private flushes = 0
  private readonly segmentMemory = new SegmentMemory()
  private pausedMerges: Array<() => void> = []

  /** Merges `request.runs`. Files and directory entries are durable when it ends. */
  merge(storage: JobStorage, request: MergeRequest): Job {
    const { options, storeId, runs, below, snapshots, targetSize, level, collect, rangeDeletions, expiredUntil } =
      request
    const inputs = new Inputs(storage.driver, options, storeId)
    const begin = (): Writing => ({
      cursor: inputs.cursor(runs),
      collect,
      values: inputs.values,
      retention: new Retention(
        snapshots,
        (bytes, start, end) => isAbsentFrom(below, bytes, start, end),
        retentionOf(rangeDeletions, expiredUntil)
      ),
      targetSize,
      level,
      allKinds: needsAllKinds(request),
      newestRange: rangeDeletions?.newest ?? 0
    })
    const untilNoFlush = async (isCancelled: () => boolean) => {
      while (this.flushes > 0 && !isCancelled()) {
        await new Promise<void>((resume) => this.pausedMerges.push(resume))
      }
    }
    return this.start(storage, request, begin, untilNoFlush, () => inputs.close())
  }

  /**
   * Writes the entries of a log segment to a table of level 0. It fails with a `SegmentFailure` if the segment does not hold exactly the operations of
   * `request.sequences`.
   */
  flush(storage: JobStorage, request: FlushRequest): Job {
    let segment: Uint8Array | undefined
    const begin = (): Writing => {
      const cursor = loggedEntries(request, () => {
        segment = this.segmentMemory.read(storage.driver, pathOf(request))
        return segment
      })
      return {
        cursor,
        collect: [],
        values: noValues,
        retention: new Retention(request.snapshots, () => false, { expiredUntil: request.expiredUntil }),
        targetSize: Number.POSITIVE_INFINITY,
        level: 0,
        allKinds: cursor.needsAllKinds,
        newestRange: cursor.newestRange
      }
    }
    this.flushes++
    return this.start(
      storage,
      request,
      begin,
      () => Promise.resolve(),
      () => {
        if (segment !== undefined) this.segmentMemory.giveBack(segment)
        this.flushes--
        if (this.flushes === 0) this.resumeMerges()
      }
    )
  }

  private start(
    storage: JobStorage,
    request: TableRequest,
    begin: () => Writing,
    pause: (isCancelled: () => boolean) => Promise<void>,
    ended: () => void
  ): Job {
    let wasCancelled = false
    const isCancelled = () => wasCancelled
    const turn = async () => {
      await new Promise<void>((resume) => storage.turn(resume))
      await pause(isCancelled)
    }
    return {
      outcome: writeDurably(storage, request, begin, turn, isCancelled).finally(ended),
      cancel: () => {
        wasCancelled = true
        this.resumeMerges()
      }
    }
  }

  private resumeMerges(): void {
    for (const resume of this.pausedMerges.splice(0)) resume()
  }
}

const pathOf = ({ options, segment }: FlushRequest): string => `${options.directory}/${logName(segment)}`

const loggedEntries = (request: FlushRequest, read: () => Uint8Array): SegmentCursor => {
  const { segment, sequences, storeId } = request
  try {
    const reader = new SegmentReader(pathOf(request), segment, read(), storeId)
    return segmentCursor(reader, sequences)
  } catch (failure) {
    if (isFailure(failure) || failure instanceof RangeError) throw new SegmentFailure(failure.message)
    throw failure
  }
}

/** A log segment holds no handles. */
const noValues: ValueSource = {
  read: () => {
    throw new Error("a handle in a log segment")
  }
}

class Cancelled extends Error {}

/** Writes tables and makes them durable. If it fails or is cancelled, it removes them. */
const writeDurably = async (
  storage: JobStorage,
  { options, storeId, fileNumbers, snapshots }: TableRequest,
  begin: () => Writing,
  turn: () => Promise<void>,
  isCancelled: () => boolean
): Promise<WriterJobResult | undefined> => {
  const { driver, remove, syncDirectory } = storage
  const { directory, blockBytes, restartInterval, filterFalsePositiveRate, compression } = options
  const files = new WrittenFiles()
  const numbers = fileNumbers.values()
  const unlessCancelled = () => {
    if (isCancelled()) throw new Cancelled()
  }
  try {
    const { cursor, retention, targetSize, level, collect, values, allKinds, newestRange } = begin()
    const codec = codecAt(compression, level)
    const tableOptions = {
      blockSize: blockBytesOf(blockBytes, codec),
      restartInterval,
      filterFalsePositiveRate,
      compression: codec,
      allKinds
    }
    const next = (): number => {
      const { value } = numbers.next()
      if (value === undefined) throw new Error("more files than were foreseen")
      return value
    }
    const create = (kind: string, name: string): StorageFile => files.begin(kind, driver.create(`${directory}/${name}`))
    const separation = new Separation({
      threshold: options.valueThreshold,
      fileSize: options.valueFileBytes,
      begin: () => {
        const fileNumber = next()
        return new ValueFileWriter(create("values", valuesName(fileNumber)), fileNumber, storeId)
      },
      collect: new Set(collect),
      source: values
    })
    const steps = writeTables(cursor, {
      begin: () => {
        const fileNumber = next()
        return new TableBuilder(create("table", tableName(fileNumber)), fileNumber, storeId, tableOptions)
      },
      separation,
      retention,
      targetSize,
      sliceBytes,
      cleared: clearedBy(newestRange, snapshots)
    })
    let step = steps.next()
    while (step.done !== true) {
      await turn()
      unlessCancelled()
      step = steps.next()
    }
    await settled((done) => files.sync(done))
    unlessCancelled()
    if (files.all.length > 0) await settled((done) => syncDirectory(directory, done))
    unlessCancelled()
    for (const file of files.all) file.close()
    return step.value
  } catch (failure) {
    await new Promise<void>((resume) => files.stop(resume))
    for (const file of files.all) {
      closeQuietly(file)
      await settled((done) => remove(file.path, done)).catch(() => undefined)
    }
    if (failure instanceof Cancelled) return undefined
    throw failure
  }
}
