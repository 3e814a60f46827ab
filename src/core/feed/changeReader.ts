import { batchCount, batchSequence } from "../log/batchFormat.js"
import { StorageFailure } from "../storage/failure.js"
import { closeQuietly, type StorageDriver } from "../storage/storageDriver.js"
import { type ScannedRecord, SegmentScan } from "./segmentScan.js"

/** A segment of the log, or one that was kept. It has one of these names, or none if it is gone. */
export interface FeedSegment {
  readonly fileNumber: number
  readonly paths: ReadonlyArray<string>
}

/** The log as a reader of the feed sees it. */
export interface FeedLog {
  readonly driver: StorageDriver
  readonly storeId: Uint8Array
  /** All segments that there are now, oldest first. */
  readonly segments: () => ReadonlyArray<FeedSegment>
  /** What is on disk: all segments before `segment`, and the first `bytes` of that one. */
  readonly durable: () => { readonly segment: number; readonly bytes: number }
  /** Writes up to this sequence number are in the store. */
  readonly newest: () => number
  /** Whether all of them are on disk. */
  readonly isSynced: () => boolean
}

/** A batch of the log. */
export interface FeedRecord extends ScannedRecord {
  readonly first: number
  readonly last: number
}

/** The records after a position are not there any more. */
export class HistoryGone extends Error {
  constructor(
    /** The sequence number that was due. */
    readonly sequence: number,
    /** The oldest sequence number that there is. */
    readonly oldest: number
  ) {
    super(`sequence number ${sequence} is gone; the history begins with ${oldest}`)
  }
}

/**
 * Reads the durable records of a store in the order of their sequence numbers, each once. It holds one
 * file open and keeps nothing from being removed: a reader that comes too late finds a gap.
 */
export class ChangeReader {
  private scan: SegmentScan | undefined
  /** Read already, but not returned. */
  private pending: FeedRecord | undefined

  /**
   * `position`: the last sequence number that the caller has. With `isOpen`, the first record is the oldest
   * that there is, whatever is gone before it.
   */
  constructor(
    private readonly log: FeedLog,
    public position: number,
    private isOpen = false
  ) {}

  /**
   * Returns the next record, or undefined if none is durable yet.
   *
   * @throws HistoryGone, CorruptionFailure, FormatFailure, StorageFailure
   */
  next(): FeedRecord | undefined {
    const { log } = this
    this.scan ??= this.start()
    const found = this.read()
    // All is on disk and was read, but for what is gone.
    if (found === undefined && this.position < log.newest() && log.isSynced()) {
      if (!this.isOpen) throw new HistoryGone(this.position + 1, log.newest() + 1)
      this.position = log.newest()
    }
    return found
  }

  private read(): FeedRecord | undefined {
    const { log } = this
    while (this.scan !== undefined) {
      const { fileNumber } = this.scan
      // Before reading: what becomes durable meanwhile is read next time.
      const isSealed = fileNumber < log.durable().segment
      for (let record = this.take(); record !== undefined; record = this.take()) {
        if (record.last <= this.position) continue
        this.expect(record)
        this.position = record.last
        return record
      }
      const next = isSealed ? this.after(fileNumber) : undefined
      if (next === undefined) return undefined
      const { scan } = this
      closingOnFailure([next], () => this.checkEnd(scan, next))
      closeQuietly(this.scan.file)
      this.scan = next
    }
    return undefined
  }

  close(): void {
    if (this.scan !== undefined) closeQuietly(this.scan.file)
    this.scan = undefined
  }

  private take(): FeedRecord | undefined {
    const { pending, scan } = this
    this.pending = undefined
    return pending ?? read(this.log, scan!)
  }

  private expect({ first }: FeedRecord): void {
    if (first > this.position + 1 && !this.isOpen) throw new HistoryGone(this.position + 1, first)
    this.isOpen = false
  }

  /** Finds the segment that has the record after the position. */
  private start(): SegmentScan | undefined {
    const { log, position } = this
    let oldest: number | undefined
    let found: SegmentScan | undefined
    for (const segment of [...log.segments()].reverse()) {
      const scan = closingOnFailure([found], () => open(log, segment))
      if (scan === undefined) continue
      const record = closingOnFailure([scan, found], () => read(log, scan))
      if (record === undefined && segment.fileNumber < log.durable().segment) {
        closeQuietly(scan.file)
        continue
      }
      // The oldest of those that are empty is the next to be written.
      if (found !== undefined) closeQuietly(found.file)
      found = scan
      this.pending = record
      if (record === undefined) continue
      oldest = record.first
      if (record.first <= position + 1) return found
    }
    if (this.isOpen || position >= log.newest()) return found
    if (found !== undefined) closeQuietly(found.file)
    throw new HistoryGone(position + 1, oldest ?? log.newest() + 1)
  }

  /** The segment after one that is read to its end. Empty ones in between are passed over. */
  private after(fileNumber: number): SegmentScan | undefined {
    for (const segment of this.log.segments()) {
      const scan = segment.fileNumber > fileNumber ? open(this.log, segment) : undefined
      if (scan !== undefined) return scan
    }
    return undefined
  }

  /** A segment that ends in damage is not taken for one that is gone. */
  private checkEnd(scan: SegmentScan, next: SegmentScan): void {
    if (!scan.hasRest()) return
    this.pending = read(this.log, next)
    if (this.pending !== undefined && this.pending.first > this.position + 1) throw scan.damaged()
  }
}

/** Evaluates, and closes segments if that throws. */
const closingOnFailure = <A>(scans: ReadonlyArray<SegmentScan | undefined>, evaluate: () => A): A => {
  try {
    return evaluate()
  } catch (failure) {
    for (const scan of scans) if (scan !== undefined) closeQuietly(scan.file)
    throw failure
  }
}

/** Opens a segment; undefined if it is gone. */
const open = ({ driver, storeId }: FeedLog, { fileNumber, paths }: FeedSegment): SegmentScan | undefined => {
  for (const path of paths) {
    try {
      const file = driver.openRead(path)
      try {
        return new SegmentScan(file, fileNumber, storeId)
      } catch (failure) {
        closeQuietly(file)
        throw failure
      }
    } catch (failure) {
      if (!(failure instanceof StorageFailure && failure.code === "ENOENT")) throw failure
    }
  }
  return undefined
}

const read = (log: FeedLog, scan: SegmentScan): FeedRecord | undefined => {
  const { bytes, segment } = log.durable()
  if (scan.fileNumber > segment) return undefined
  const record = scan.next(scan.fileNumber === segment ? bytes : Number.POSITIVE_INFINITY)
  if (record === undefined) return undefined
  const first = batchSequence(record.bytes, record.start)
  return { ...record, first, last: first + batchCount(record.bytes, record.start) - 1 }
}
