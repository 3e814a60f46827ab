import { viewOf } from "../bytes/bytes.js"
import { applyFailure } from "../storage/failure.js"
import { fileHeaderSize } from "../storage/fileHeader.js"
import { closeQuietly, type StorageFile } from "../storage/storageDriver.js"
import { type LoggedValues, SegmentValues } from "../values/loggedValues.js"
import { FrameType, type FrameValue, frameHeaderSize, sealFrame } from "./frame.js"
import { encodeStart, type PreviousSegment, startPayloadSize } from "./logSegment.js"
import { SyncsInPlace } from "./syncsInPlace.js"

/** When a record is committed. */
export const CommitMode = {
  /** Once the log is on disk. */
  sync: 0,
  /** Once the operating system has it. */
  buffered: 1,
  /** At once. The log is written when enough has gathered, and synced by a timer of the caller. */
  interval: 2
} as const

export type Done = (failure: Error | undefined) => void

/** Callbacks of the log. The log fails if `apply`, `settled` or `synced` throws. */
export interface LogWriterHooks {
  /**
   * Called once for each record, in log order, when the record is committed. `bytes[start, end)` is
   * its payload.
   */
  readonly apply: (bytes: Uint8Array, start: number, end: number) => void
  /** Called after records were applied, so that the caller can rotate the segment. */
  readonly settled: () => void
  /** Called after a sync, with the number of records and bytes that it made durable. */
  readonly synced: (records: number, bytes: number) => void
  /** Called when more of the log is on disk than before, and applied. */
  readonly durable?: (() => void) | undefined
  /** Called once, when the log fails. It accepts nothing after that. */
  readonly failed: (failure: Error) => void
  /** Milliseconds for which a sync may block the calling thread now. Default 0. */
  readonly mayHold?: (() => number) | undefined
}

/** A record in a buffer: the place of its payload, and the callback that waits for it. */
interface Pending {
  readonly start: number
  readonly end: number
  readonly done: Done
}

interface MarkedValue extends FrameValue {
  readonly sequence: number
}

const noValues: ReadonlyArray<MarkedValue> = []

/** Frames gathered between two writes. */
class Group {
  buffer: Uint8Array
  view: DataView
  length = 0
  /**
   * The start of each frame. Frames are sealed when the group is written and their place is known.
   */
  private frames = new Uint32Array(16)
  frameCount = 0
  /** Records not yet applied, in order. */
  readonly pending: Array<Pending> = []
  /** The marked values, in order. */
  readonly values: Array<MarkedValue> = []
  /** How many of them belong to frames, and not to the reserved record. */
  framedValues = 0
  needsSync = false
  constructor(capacity: number) {
    this.buffer = new Uint8Array(capacity)
    this.view = viewOf(this.buffer)
  }
  /** Replaces the buffer by a larger or an empty one. */
  hold(buffer: Uint8Array): void {
    this.buffer = buffer
    this.view = viewOf(buffer)
  }
  addFrame(at: number, end: number): void {
    if (this.frameCount === this.frames.length) {
      const larger = new Uint32Array(this.frames.length * 2)
      larger.set(this.frames)
      this.frames = larger
    }
    this.frames[this.frameCount++] = at
    this.framedValues = this.values.length
    this.length = end
  }
  /** Forgets the marks of a record that was not committed. */
  unmark(): void {
    if (this.values.length > this.framedValues) this.values.length = this.framedValues
  }
  /** The marked values from index `from` on that lie before `end`. */
  valuesBefore(end: number, from: number): ReadonlyArray<MarkedValue> {
    const { framedValues, values } = this
    if (from === framedValues || values[from]!.start >= end) return noValues
    let to = from + 1
    while (to < framedValues && values[to]!.start < end) to++
    return values.slice(from, to)
  }
  frameStart(index: number): number {
    return index < this.frameCount ? this.frames[index]! : this.length
  }
  /** Empties the group. Keeps `needsSync`, because a sync can be requested without a record. */
  reset(): void {
    this.length = 0
    this.frameCount = 0
    if (this.pending.length > 0) this.pending.length = 0
    this.framedValues = 0
    this.unmark()
    if (this.buffer.length > maxRetainedBuffer) {
      this.hold(new Uint8Array(initialBuffer))
      this.frames = new Uint32Array(16)
    }
  }
}

const initialBuffer = 4 * 1024
const maxRetainedBuffer = 8 * 1024 * 1024
/** Interval records are written in pieces of this size, because larger writes are slower. */
const writeThreshold = 64 * 1024
/** A sync of this many bytes or more is not short. */
const shortSync = 1024 * 1024

/** An open segment. */
export interface Segment {
  readonly fileNumber: number
  readonly file: StorageFile
}

/**
 * Writes a chain of log segments with group commit and no timer. Everything runs in callbacks of
 * one thread, so there are no locks.
 *
 * ```
 *            reserve          commit                 file.sync
 *  record ------------> filling group ---> inflight group ---> apply, in order ---> done
 * ```
 *
 * While a sync is under way, records gather in the filling group. The next commit writes and syncs
 * them together. A record that needs no sync is written and applied at once, without a callback, if
 * no other record is pending.
 *
 * 1. Records are applied strictly in log order. A record that needs no sync waits behind one that
 *    does.
 * 2. A rotated segment may still be unsynced. It is always synced before its successor, so a power
 *    cut leaves a prefix of the log.
 * 3. After a failed write or sync the log accepts nothing more. A failed sync is never retried.
 */
export class LogWriter {
  private filling = new Group(initialBuffer)
  private inflight: Group | undefined
  private spare: Group = new Group(initialBuffer)
  private syncing = false
  private scheduled = false
  private syncWaiters: Array<Done> = []
  private unsyncedPrevious: Array<Segment> = []
  private segmentWaiters: Array<{ readonly segment: number; readonly done: Done }> = []
  /** Bytes of the current segment that are written to the file. */
  private size: number
  /** Bytes of it known to be on disk. */
  private syncedSize: number
  private values: SegmentValues
  private rotated: LoggedValues | undefined
  private readonly inPlace = new SyncsInPlace()
  private reservedAt = 0
  private reservedEnd = 0
  failure: Error | undefined
  closed = false

  constructor(
    private segment: Segment,
    private readonly salt: number,
    private readonly hooks: LogWriterHooks
  ) {
    this.size = fileHeaderSize
    this.syncedSize = 0
    this.values = new SegmentValues(segment.fileNumber)
  }

  /** The buffer that the last `reserve` points into. */
  get buffer(): Uint8Array {
    return this.filling.buffer
  }

  get segmentNumber(): number {
    return this.segment.fileNumber
  }

  /** Bytes of the current segment, including those not yet written. */
  get segmentSize(): number {
    return this.size + this.filling.length
  }

  /** Bytes in memory that wait to be written or synced. */
  get queuedBytes(): number {
    return this.filling.length + (this.inflight?.length ?? 0)
  }

  /** Whether any accepted record is not yet applied. */
  get hasPending(): boolean {
    return this.filling.pending.length > 0 || (this.inflight !== undefined && this.inflight.pending.length > 0)
  }

  /**
   * Whether the segment can be rotated now: no written record waits to be applied. Gathered records
   * go to the next segment if none of them is applied, and are written to this one if all are. If
   * only some are applied, the segment cannot be rotated.
   */
  get canRotate(): boolean {
    if (this.failure !== undefined || (this.inflight !== undefined && this.inflight.pending.length > 0)) return false
    const { pending, frameCount } = this.filling
    return pending.length === 0 || pending.length === frameCount
  }

  /**
   * Whether a commit or a sync is under way, so that the caller should soon yield to the event
   * loop.
   */
  get isBusy(): boolean {
    return this.syncing || this.inflight !== undefined || this.scheduled
  }

  /** Bytes of the current segment that no sync has covered. */
  get unsyncedBytes(): number {
    return this.size + this.filling.length - Math.max(this.syncedSize, fileHeaderSize)
  }

  /** Bytes of the current segment that are known to be on disk. Their records are applied. */
  get syncedBytes(): number {
    return this.syncedSize
  }

  /** The first segment that may not be on disk as a whole: a rotated one, or the current one. */
  get oldestUnsynced(): number {
    return (this.unsyncedPrevious[0] ?? this.segment).fileNumber
  }

  /**
   * Makes room for a payload of `size` bytes. Returns the position in `buffer` where to encode it.
   */
  reserve(size: number): number {
    const group = this.filling
    const needed = group.length + frameHeaderSize + size
    if (needed > group.buffer.length) {
      const larger = new Uint8Array(Math.max(needed, group.buffer.length * 2))
      larger.set(group.buffer.subarray(0, group.length))
      group.hold(larger)
    }
    this.reservedAt = group.length
    this.reservedEnd = needed
    group.unmark()
    return group.length + frameHeaderSize
  }

  /**
   * Marks a value of the reserved record, at `[start, end)` of `buffer`, so that its place in the
   * segment is kept. Values are marked in the order of their sequence numbers.
   */
  mark(start: number, end: number, sequence: number): void {
    this.filling.values.push({ start, end, sequence, crc: 0 })
  }

  /** The marked values of the segment that was rotated last. */
  get rotatedValues(): LoggedValues | undefined {
    return this.rotated
  }

  /**
   * Commits the reserved record if that needs no waiting. Returns whether it is applied; if not,
   * call `commit`. A record with durability `sync` is committed here only if its writer is `alone`:
   * no other record is expected to share the sync.
   */
  commitNow(durability: number, alone = false): boolean {
    if (this.failure !== undefined || this.hasPending) return false
    if (durability === CommitMode.sync) return alone && this.commitSynced()
    const group = this.filling
    const start = this.reservedAt + frameHeaderSize
    const end = this.reservedEnd
    group.addFrame(this.reservedAt, end)
    const isWritten = durability === CommitMode.buffered || end >= writeThreshold
    if (isWritten && this.writeGroup(group) !== undefined) return false
    return this.applyNow(group, start, end, isWritten, 0)
  }

  /**
   * Applies the last record of a group. `isWritten`: the group is written. `syncedRecords`: the
   * number of its records if it is synced, otherwise 0. Returns whether the record is applied.
   */
  private applyNow(group: Group, start: number, end: number, isWritten: boolean, syncedRecords: number): boolean {
    const bytes = group.length
    let isApplied = false
    try {
      this.hooks.apply(group.buffer, start, end)
      isApplied = true
      if (isWritten) group.reset()
      if (syncedRecords > 0) {
        group.needsSync = false
        this.hooks.synced(syncedRecords, bytes)
      }
      this.hooks.settled()
    } catch (cause) {
      if (isWritten) group.reset()
      this.failHook(cause)
    }
    return isApplied
  }

  /**
   * Writes, syncs and applies the reserved record in the calling thread, if the thread may be
   * blocked for it. A lone writer then need not yield to the event loop for each record.
   * `SyncsInPlace` makes it yield from time to time.
   */
  private commitSynced(): boolean {
    const { file } = this.segment
    const limit = this.isBusy ? 0 : this.mayHold(this.reservedEnd)
    if (!this.inPlace.may(file, limit)) return false
    const group = this.filling
    const start = this.reservedAt + frameHeaderSize
    group.addFrame(this.reservedAt, this.reservedEnd)
    group.needsSync = true
    if (this.writeGroup(group) !== undefined) return false
    const failure = this.inPlace.sync(file, group.frameCount)
    if (failure !== undefined) {
      this.fail(failure)
      return false
    }
    this.syncedSize = this.size
    const isApplied = this.applyNow(group, start, this.reservedEnd, true, group.frameCount)
    this.hooks.durable?.()
    return isApplied
  }

  /**
   * Milliseconds for which a sync, of `unwritten` more bytes than are written, may block the
   * thread.
   */
  private mayHold(unwritten: number): number {
    // An unsynced rotated segment, or many bytes, take long to sync.
    const isShort = this.unsyncedPrevious.length === 0 && this.size + unwritten - this.syncedSize < shortSync
    return isShort ? (this.hooks.mayHold?.() ?? 0) : 0
  }

  /**
   * Commits the reserved record. Returns true if it is already applied; `done` is then not called.
   * Otherwise calls `done` once, when the record is applied or the log has failed.
   */
  commit(durability: number, done: Done): boolean {
    if (this.commitNow(durability)) return true
    if (this.failure !== undefined) {
      done(this.failure)
      return false
    }
    const group = this.filling
    const start = this.reservedAt + frameHeaderSize
    const end = this.reservedEnd
    group.addFrame(this.reservedAt, end)
    group.pending.push({ start, end, done })
    if (durability === CommitMode.sync) group.needsSync = true
    this.schedule()
    return false
  }

  /** Syncs everything accepted so far, then calls back. */
  sync(done: Done): void {
    if (this.failure !== undefined) return done(this.failure)
    if (!this.syncing && this.filling.length === 0 && this.isSynced()) return done(undefined)
    this.syncWaiters.push(done)
    this.filling.needsSync = true
    this.schedule()
  }

  /**
   * Calls back when a rotated segment is synced. A sync of it begins when it is rotated, or after
   * the one that is under way then.
   */
  whenSynced(segment: number, done: Done): void {
    const isWaited = this.unsyncedPrevious.some(({ fileNumber }) => fileNumber === segment)
    if (this.failure !== undefined || !isWaited) return done(this.failure)
    this.segmentWaiters.push({ segment, done })
  }

  private isSynced(): boolean {
    return this.unsyncedPrevious.length === 0 && this.syncedSize >= this.size
  }

  /** Commits in a microtask, so that fibers resumed together share a commit. */
  private schedule(): void {
    if (this.scheduled || this.inflight !== undefined || this.syncing) return
    this.scheduled = true
    queueMicrotask(() => {
      this.scheduled = false
      if (this.inflight === undefined && !this.syncing) this.commitGroup()
    })
  }

  private commitGroup(): void {
    if (this.failure !== undefined) return
    const group = this.filling
    if (group.length === 0 && !group.needsSync) return
    const waiters = this.syncWaiters
    this.syncWaiters = []
    this.filling = this.spare
    this.inflight = group
    const failure = this.writeGroup(group)
    if (failure !== undefined) {
      for (const waiter of waiters) waiter(failure)
      return
    }
    if (!group.needsSync) {
      this.finishGroup(group)
      return
    }
    const records = group.frameCount
    this.syncChain(records + waiters.length, (syncFailure) => {
      if (syncFailure !== undefined) {
        for (const waiter of waiters) waiter(syncFailure)
        return
      }
      this.finishGroup(group, records)
      this.hooks.durable?.()
      // Their bytes are on disk, even if the log has failed since.
      for (const waiter of waiters) waiter(undefined)
    })
  }

  /**
   * Applies the records of a written group, synced if `syncedRecords` is not 0. Then calls back.
   */
  private finishGroup(group: Group, syncedRecords = 0): void {
    const waiting = group.pending.slice()
    const bytes = group.length
    let applied = 0
    let cause: unknown
    let hasThrown = false
    try {
      for (const { start, end } of waiting) {
        this.hooks.apply(group.buffer, start, end)
        applied++
      }
    } catch (thrown) {
      cause = thrown
      hasThrown = true
    }
    group.reset()
    group.needsSync = false
    this.spare = group
    this.inflight = undefined
    try {
      if (syncedRecords > 0) this.hooks.synced(syncedRecords, bytes)
      if (!hasThrown) this.hooks.settled()
    } catch (thrown) {
      cause = thrown
      hasThrown = true
    }
    const failure = hasThrown ? this.failHook(cause) : undefined
    for (const [i, { done }] of waiting.entries()) done(i < applied ? undefined : failure)
    if (!hasThrown) this.goOn()
  }

  /**
   * Fails the log after a hook has thrown, for example for lack of memory. The hook may have
   * stopped halfway, so nothing may build on its result. The files are sound, so acknowledged
   * records that are not yet written are written first.
   */
  private failHook(cause: unknown): Error {
    this.writeGroup(this.filling)
    return this.fail(applyFailure(this.segment.file.path, cause))
  }

  /** Starts the work that waited for the sync that has just ended. */
  private goOn(): void {
    if (this.filling.pending.length > 0 || this.filling.needsSync) this.schedule()
    else this.syncPrevious()
  }

  /** Seals the group's frames for their place in the segment and writes them to the file. */
  private writeGroup(group: Group): Error | undefined {
    if (this.failure !== undefined) return this.failure
    if (group.length === 0) return undefined
    let marked = 0
    for (let i = 0; i < group.frameCount; i++) {
      const at = group.frameStart(i)
      const end = group.frameStart(i + 1)
      const values = group.valuesBefore(end, marked)
      sealFrame(
        group.view,
        at,
        end - at - frameHeaderSize,
        FrameType.record,
        this.syncedSize,
        this.salt,
        this.segment.fileNumber,
        this.size + at,
        values
      )
      marked += values.length
    }
    try {
      this.segment.file.append(group.buffer, 0, group.length, group.needsSync)
    } catch (cause) {
      return this.fail(cause as Error)
    }
    for (let i = 0; i < marked; i++) {
      const { sequence, start, crc } = group.values[i]!
      this.values.add(sequence, this.size + start, crc)
    }
    this.size += group.length
    return undefined
  }

  /** Syncs older segments first, then the current one, for `waiting` records and other waiters. */
  private syncChain(waiting: number, done: Done): void {
    const previous = this.unsyncedPrevious[0]
    const { file } = previous ?? this.segment
    const size = this.size
    const current = this.segment
    const ended = (failure: Error | undefined): void => {
      this.syncing = false
      if (this.failure !== undefined) return done(this.failure)
      if (failure !== undefined) return done(this.fail(failure))
      if (previous !== undefined) {
        const refusal = this.closeSynced(previous)
        return refusal === undefined ? this.syncChain(waiting, done) : done(refusal)
      }
      if (this.segment === current) this.syncedSize = size
      done(undefined)
    }
    const limit = this.mayHold(0)
    this.syncing = true
    if (this.inPlace.may(file, limit)) return ended(this.inPlace.sync(file, waiting))
    this.inPlace.turn()
    file.sync(ended, limit)
  }

  /**
   * Continues in `next`, a segment whose header is durable. Call it only if `canRotate`.
   */
  rotate(next: Segment): void {
    if (this.filling.pending.length === 0 && this.filling.length > 0) {
      const failure = this.writeGroup(this.filling)
      if (failure !== undefined) return closeQuietly(next.file)
      this.filling.reset()
    }
    const previous = this.segment
    this.values.finish(previous.file)
    this.rotated = this.values
    const previousSize = this.size
    const synced = this.syncedSize >= previousSize
    // A file must stay open while a sync of it is under way.
    if (synced && !this.syncing) {
      if (this.closeSegment(previous) !== undefined) return closeQuietly(next.file)
    } else this.unsyncedPrevious.push(previous)
    this.begin(next, { fileNumber: previous.fileNumber, size: previousSize, synced })
    if (this.inflight === undefined) this.syncPrevious()
  }

  /**
   * Makes `next` the current segment. Its first frame names the end of the previous segment, so
   * that a gap in the chain is detected.
   */
  begin(next: Segment, previous: PreviousSegment): void {
    const frame = new Uint8Array(frameHeaderSize + startPayloadSize)
    encodeStart(previous, frame, frameHeaderSize)
    sealFrame(viewOf(frame), 0, startPayloadSize, FrameType.start, 0, this.salt, next.fileNumber, fileHeaderSize)
    this.segment = next
    this.size = fileHeaderSize
    this.syncedSize = 0
    this.values = new SegmentValues(next.fileNumber)
    try {
      next.file.append(frame, 0, frame.length)
      this.size += frame.length
    } catch (cause) {
      this.fail(cause as Error)
    }
  }

  /** Syncs a rotated segment, which bounds the loss at a power cut if no caller requests a sync. */
  private syncPrevious(): void {
    const previous = this.unsyncedPrevious[0]
    if (previous === undefined || this.syncing || this.failure !== undefined) return
    this.syncing = true
    previous.file.sync((failure) => {
      this.syncing = false
      if (this.failure !== undefined) return
      if (failure !== undefined) {
        this.fail(failure)
        return
      }
      if (this.closeSynced(previous) !== undefined) return
      this.hooks.durable?.()
      this.goOn()
    })
  }

  /** Closes the oldest rotated segment, which is synced now. */
  private closeSynced(previous: Segment): Error | undefined {
    this.unsyncedPrevious.shift()
    const refusal = this.closeSegment(previous)
    if (refusal !== undefined) return refusal
    const ended = this.segmentWaiters.filter(({ segment }) => segment === previous.fileNumber)
    this.segmentWaiters = this.segmentWaiters.filter((waiter) => !ended.includes(waiter))
    for (const { done } of ended) done(undefined)
    return undefined
  }

  /** Closes a synced segment. A failure to close loses no data, but fails the log. */
  private closeSegment({ file }: Segment): Error | undefined {
    try {
      file.close()
      return undefined
    } catch (cause) {
      return this.fail(cause as Error)
    }
  }

  private fail(failure: Error): Error {
    if (this.failure !== undefined) return this.failure
    this.failure = failure
    const waiting = [...(this.inflight?.pending ?? []), ...this.filling.pending]
    const waiters = [...this.syncWaiters, ...this.segmentWaiters.map(({ done }) => done)]
    this.syncWaiters = []
    this.segmentWaiters = []
    this.inflight = undefined
    this.filling.reset()
    this.hooks.failed(failure)
    for (const { done } of waiting) done(failure)
    for (const waiter of waiters) waiter(failure)
    return failure
  }

  /** Closes the files without writing or syncing anything more. */
  abandon(): void {
    this.closed = true
    for (const { file } of this.unsyncedPrevious) closeQuietly(file)
    closeQuietly(this.segment.file)
  }

  /**
   * Syncs, writes the close frame, and closes the files. The caller must ensure that nothing is
   * being committed.
   */
  close(done: Done): void {
    if (this.closed) return done(undefined)
    this.closed = true
    const release = (failure: Error | undefined) => {
      for (const { file } of this.unsyncedPrevious) closeQuietly(file)
      done(this.closeSegment(this.segment) ?? failure)
    }
    this.sync((failure) => {
      if (failure !== undefined) return release(failure)
      const frame = new Uint8Array(frameHeaderSize)
      sealFrame(viewOf(frame), 0, 0, FrameType.close, this.size, this.salt, this.segment.fileNumber, this.size)
      try {
        this.segment.file.append(frame, 0, frame.length)
        this.size += frame.length
      } catch (cause) {
        return release(cause as Error)
      }
      this.segment.file.sync(release)
    })
  }
}
