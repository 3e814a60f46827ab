import { compareRange, copyRange, equalRange } from "../bytes/bytes.js"
import { EntryKind, isTombstone } from "../cursor/entryKind.js"
import type { Skyline } from "../ranges/skyline.js"
import { handleLength } from "../values/valueHandle.js"
import type { ValueSource } from "../values/valueSource.js"
import type { DeletedGap, DeletedGaps } from "./deletedGaps.js"
import { DeletedRun } from "./deletedRun.js"
import { expires, expirySize, kindWithoutExpiry, readExpiry } from "./expiry.js"
import type { InternalCursor } from "./internalCursor.js"

/** The half-open range [start, end) of keys; undefined is unbounded. */
export interface KeyRange {
  readonly start: Uint8Array | undefined
  readonly end: Uint8Array | undefined
}

export interface VisibleCursorOptions {
  /**
   * The number of deleted and superseded entries that may be passed over between two calls of
   * `renew`. Entries with large values count more. A move that would pass over more stops and is
   * `unsettled`. Default: no limit.
   */
  readonly patience?: number | undefined
  /** True if the caller reads no values, so that none need be copied. Default false. */
  readonly keysOnly?: boolean | undefined
  /** Reads the values that handles stand for. Needed only if tables may have handles. */
  readonly values?: ValueSource | undefined
  /** The range deletions that the reader sees. Default none. */
  readonly skyline?: Skyline | undefined
  /** The time of the reader, for entries that expire. Default 0: none has expired. */
  readonly time?: number | undefined
}

/** Bytes of a passed value that count as one more entry. */
const valueUnit = 256
/** A seek past a gap counts as this many entries. */
const seekUnit = 16

/**
 * Shows the entries of a merged cursor that a reader at one sequence number sees within a range:
 * for each key the newest version at or before that number, without deleted keys.
 *
 * Going forward, the underlying cursor is at the entry shown. Going backward, the versions of a key
 * come oldest first, so the entry shown is copied and the underlying cursor is before the key.
 *
 * A move that has to pass over many entries may stop on its way. The cursor is then `unsettled` and
 * shows nothing, and the underlying cursor is at the next entry to examine. `goOn` continues the
 * move; `backTo` undoes it.
 *
 * A move that passes over a run of deleted keys adds it to the gaps. A move that comes to a gap seeks
 * to its other end.
 *
 * A move that throws leaves the cursor invalid. Seek again before the next move.
 */
export class VisibleCursor {
  valid = false
  /** Whether the last move stopped on its way. */
  unsettled = false
  keyBytes: Uint8Array = nothing
  keyStart = 0
  keyEnd = 0
  valueBytes: Uint8Array = nothing
  valueStart = 0
  valueEnd = 0
  /** See `InternalCursor`. Always true going backward. */
  valueIsOwn = false
  private kind = 0
  /** The sequence number of the entry shown. */
  private version = 0
  private direction = 1
  /** The key shown when the last move began. The length is -1 if there was none. */
  private origin: Uint8Array<ArrayBuffer> = nothing
  private originLength = -1
  /**
   * Going forward: the last deleted key that was passed. Going backward: the key whose versions are
   * being examined, then the key shown.
   */
  private lastKey: Uint8Array<ArrayBuffer> = nothing
  private lastKeyLength = 0
  /** Going forward: whether entries of the key `skippedKey[0, skippedLength)` are passed over. */
  private isSkipping = false
  private skippedKey: Uint8Array = nothing
  private skippedLength = 0
  /**
   * Going backward: whether a version of `lastKey` has been seen, and whether the newest one seen
   * is a value.
   */
  private hasVersion = false
  private hasValue = false
  private readonly patience: number
  private readonly keysOnly: boolean
  private readonly values: ValueSource | undefined
  private readonly skyline: Skyline | undefined
  private readonly time: number
  /** Whether the last entry examined is deleted because it has expired. */
  private hasExpired = false
  /** The key that a seek begins at, or below. Undefined once the seek has returned. */
  private target: Uint8Array | undefined
  /** The deleted keys that the current move has passed over, if there are any. */
  private run: DeletedRun | undefined
  private left: number
  /** Deleted and superseded entries passed over so far. */
  skipped = 0

  constructor(
    private readonly cursor: InternalCursor,
    private readonly sequence: number,
    private readonly range: KeyRange,
    { keysOnly = false, patience = Number.POSITIVE_INFINITY, values, skyline, time = 0 }: VisibleCursorOptions = {},
    /** Ranges of deleted keys that cursors over the same entries have found. */
    private readonly gaps?: DeletedGaps
  ) {
    this.values = values
    this.skyline = skyline
    this.time = time
    this.keysOnly = keysOnly
    this.patience = patience
    this.left = patience
  }

  /** The length of the value shown. */
  get valueLength(): number {
    return this.kind === EntryKind.valueHandle
      ? handleLength(this.valueBytes, this.valueStart)
      : this.valueEnd - this.valueStart
  }

  /**
   * Reads the value shown if it lies in a file of its own. Undefined if it does not.
   *
   * @throws CorruptionFailure, FormatFailure, StorageFailure
   */
  readSeparated(): Uint8Array | undefined {
    if (this.kind !== EntryKind.valueHandle) return undefined
    const values = this.values!
    const cached = values.cached?.(this.keyBytes, this.keyStart, this.keyEnd, this.version)
    return cached ?? values.read(this.valueBytes, this.valueStart, this.valueEnd)
  }

  seekToFirst(): void {
    this.leave()
    this.beginForward(this.range.start ?? nothing)
  }

  seekToLast(): void {
    this.leave()
    const { end } = this.range
    if (end !== undefined) return this.beginBackward(end)
    this.cursor.seekToLast()
    this.run = undefined
    this.target = undefined
    this.walkBackward()
  }

  /** Moves to the first visible entry at or above the key. */
  seek(key: Uint8Array): void {
    this.leave()
    this.seekFrom(key)
  }

  /** Moves to the last visible entry below the key. */
  seekBefore(key: Uint8Array): void {
    this.leave()
    const { end } = this.range
    const to = end !== undefined && compareRange(key, 0, key.length, end, 0, end.length) > 0 ? end : key
    this.beginBackward(to)
  }

  /** Moves to the next entry. Does nothing if no entry is shown. */
  next(): void {
    if (!this.leave()) return
    // Going backward, the underlying cursor is before the key. Seek it, and skip all its versions.
    if (this.direction < 0) this.cursor.seek(this.origin, this.originLength)
    else this.cursor.next()
    this.direction = 1
    this.skip(this.origin, this.originLength)
    this.findForward()
  }

  /** Moves to the previous entry. Does nothing if no entry is shown. */
  prev(): void {
    if (!this.leave()) return
    if (this.direction > 0) this.seekBelow(this.origin, this.originLength)
    this.walkBackward()
  }

  /** Continues a move that stopped on its way. */
  goOn(): void {
    this.unsettled = false
    if (this.direction > 0) this.findForward()
    else this.findBackward()
  }

  /** The key that was shown when the last move began, or undefined if there was none. */
  get cameFrom(): Uint8Array | undefined {
    return this.originLength < 0 ? undefined : this.origin.slice(0, this.originLength)
  }

  /**
   * Moves back to a key that was shown, without a limit. For undefined, the cursor becomes invalid.
   */
  backTo(key: Uint8Array | undefined): void {
    this.valid = false
    this.unsettled = false
    if (key === undefined) return
    this.left = Number.POSITIVE_INFINITY
    this.seekFrom(key)
    this.left = this.patience
  }

  /** Restores the full number of entries that may be passed over. */
  renew(): void {
    this.left = this.patience
  }

  /** Begins a move: nothing is shown until it ends. Returns false if nothing was shown before. */
  private leave(): boolean {
    this.unsettled = false
    if (!this.valid) {
      this.originLength = -1
      return false
    }
    this.valid = false
    if (this.keyBytes === this.lastKey) {
      const spare = this.origin
      this.origin = this.lastKey
      this.originLength = this.lastKeyLength
      this.lastKey = spare
    } else {
      const { keyBytes, keyStart, keyEnd } = this
      this.origin = copyKey(keyBytes, keyStart, keyEnd, this.origin)
      this.originLength = keyEnd - keyStart
    }
    return true
  }

  private seekFrom(key: Uint8Array): void {
    const { start } = this.range
    const isBelow = start !== undefined && compareRange(key, 0, key.length, start, 0, start.length) < 0
    this.beginForward(isBelow ? start : key)
  }

  /** Moves the underlying cursor to the last entry below the key. */
  private seekBelow(key: Uint8Array, length: number): void {
    const { cursor } = this
    cursor.seek(key, length)
    if (cursor.valid) cursor.prev()
    else cursor.seekToLast()
  }

  private beginForward(key: Uint8Array): void {
    const { cursor, gaps, sequence } = this
    this.direction = 1
    this.isSkipping = false
    this.run = undefined
    this.target = key
    const gap = gaps === undefined || gaps.isEmpty ? undefined : gaps.holding(key, 0, key.length, sequence)
    if (gap !== undefined) this.passGap(gap)
    else if (key.length === 0) cursor.seekToFirst()
    else cursor.seek(key, key.length)
    this.findForward()
    this.target = undefined
  }

  private beginBackward(key: Uint8Array): void {
    const { gaps, sequence } = this
    this.direction = -1
    this.run = undefined
    this.target = key
    const gap = gaps === undefined || gaps.isEmpty ? undefined : gaps.below(key, 0, key.length, sequence)
    if (gap !== undefined) this.passGap(gap)
    else this.seekBelow(key, key.length)
    this.walkBackward()
    this.target = undefined
  }

  private walkBackward(): void {
    this.direction = -1
    this.hasVersion = false
    this.hasValue = false
    this.findBackward()
  }

  private findForward(): void {
    this.walkForwardToVisible()
    if (this.run !== undefined) this.endRun()
  }

  private findBackward(): void {
    this.walkBackwardToVisible()
    if (this.run !== undefined) this.endRun()
  }

  /** Finds the next visible entry at or after the underlying cursor's entry. */
  private walkForwardToVisible(): void {
    const { cursor, sequence } = this
    const { end } = this.range
    while (cursor.valid) {
      if (this.left <= 0) {
        this.unsettled = true
        return
      }
      if (this.isSkipping && this.isKey(this.skippedKey, this.skippedLength)) {
        this.passOver()
        cursor.next()
        continue
      }
      this.isSkipping = false
      if (end !== undefined && compareRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd, end, 0, end.length) >= 0)
        return
      if (cursor.sequence > sequence) {
        this.passOver()
        cursor.next()
        continue
      }
      const { kind } = cursor
      const isPlain = this.isPlain(kind)
      if (!isPlain && this.isDeleted()) {
        this.passOver()
        this.remember()
        this.skip(this.lastKey, this.lastKeyLength)
        if (!this.passKey()) cursor.next()
        continue
      }
      this.valid = true
      this.keyBytes = cursor.keyBytes
      this.keyStart = cursor.keyStart
      this.keyEnd = cursor.keyEnd
      this.kind = kind
      this.version = cursor.sequence
      this.valueBytes = cursor.valueBytes
      this.valueStart = cursor.valueStart
      this.valueEnd = cursor.valueEnd
      this.valueIsOwn = cursor.valueIsOwn
      if (!isPlain) this.passTime()
      return
    }
  }

  /** Finds the last visible key at or before the underlying cursor's entry. */
  private walkBackwardToVisible(): void {
    const { cursor, sequence } = this
    const { start } = this.range
    while (cursor.valid) {
      if (this.left <= 0) {
        this.unsettled = true
        return
      }
      const isBelow =
        start !== undefined && compareRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd, start, 0, start.length) < 0
      if (this.hasVersion && !this.isKey(this.lastKey, this.lastKeyLength)) {
        if (this.hasValue) break
        this.hasVersion = false
        if (this.passKey(!isBelow)) continue
      }
      if (isBelow) break
      if (cursor.sequence > sequence) {
        this.passOver()
        cursor.prev()
        continue
      }
      // A newer version of the same key replaces the older one.
      const isNewer = this.hasVersion
      if (!isNewer) this.remember()
      this.hasVersion = true
      this.hasValue = this.isPlain(cursor.kind) || !this.isDeleted()
      if (this.hasValue) this.holdValue()
      if (isNewer || !this.hasValue) this.passOver()
      cursor.prev()
    }
    this.valid = this.hasValue
    if (!this.valid) return
    this.keyBytes = this.lastKey
    this.keyStart = 0
    this.keyEnd = this.lastKeyLength
  }

  /** Whether an entry of a kind is a value that neither a range deletion nor time can have deleted. */
  private isPlain(kind: number): boolean {
    return (kind === EntryKind.value || kind === EntryKind.valueHandle) && this.skyline === undefined
  }

  /** Whether the underlying cursor's entry is a deletion, was deleted with a range, or has expired. */
  private isDeleted(): boolean {
    const { skyline } = this
    const { entry } = this.cursor
    this.hasExpired = expires(entry.kind) && readExpiry(entry.valueBytes, entry.valueStart) <= this.time
    if (this.hasExpired || isTombstone(entry.kind)) return true
    if (skyline === undefined || skyline.over(entry.keyBytes, entry.keyStart, entry.keyEnd) <= entry.sequence)
      return false
    // Sources may have sought before they showed it.
    this.left -= seekUnit
    return true
  }

  /**
   * Takes the deleted key `lastKey`. Seeks past a gap if the underlying cursor is in one, and
   * returns true. `isInRange` is false if the cursor has left the range: sources are open for the range
   * only, so what lies between the key and the cursor is not known.
   */
  private passKey(isInRange = true): boolean {
    if (this.gaps === undefined) return false
    if (this.hasExpired) {
      // A snapshot at the same sequence number may be older, and see the key.
      this.run = undefined
      this.target = undefined
      return false
    }
    this.run ??= new DeletedRun(this.gaps, this.sequence, this.direction, this.target)
    const gap = this.run.pass(this.lastKey, this.lastKeyLength, isInRange ? this.cursor : undefined)
    if (gap !== undefined) this.passGap(gap)
    return gap !== undefined
  }

  /** Moves the underlying cursor to the end of a gap, or before its start. */
  private passGap(gap: DeletedGap): void {
    this.left -= seekUnit
    this.run ??= new DeletedRun(this.gaps!, this.sequence, this.direction, this.target)
    const edge = this.run.passGap(gap)
    if (this.direction > 0) this.cursor.seek(edge, edge.length)
    else this.seekBelow(edge, edge.length)
  }

  private endRun(): void {
    this.run!.end(this.lastKey, this.lastKeyLength, this.unsettled)
    if (!this.unsettled) this.run = undefined
  }

  /** Moves the start of the value shown behind its time, if it has one. */
  private passTime(): void {
    if (!expires(this.kind)) return
    this.kind = kindWithoutExpiry(this.kind)
    this.valueStart += expirySize
  }

  /** Holds the value of the underlying cursor, which is about to move. */
  private holdValue(): void {
    const { cursor } = this
    if (this.keysOnly) return
    this.kind = cursor.kind
    this.version = cursor.sequence
    this.valueIsOwn = true
    if (cursor.valueIsOwn) {
      this.valueBytes = cursor.valueBytes
      this.valueStart = cursor.valueStart
      this.valueEnd = cursor.valueEnd
      this.passTime()
      return
    }
    this.valueBytes = copyRange(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)
    this.valueStart = 0
    this.valueEnd = this.valueBytes.length
    this.passTime()
  }

  private passOver(): void {
    const { cursor } = this
    this.skipped++
    this.left -= 1 + (cursor.valueEnd - cursor.valueStart) / valueUnit
  }

  private skip(key: Uint8Array, length: number): void {
    this.isSkipping = true
    this.skippedKey = key
    this.skippedLength = length
  }

  private isKey(key: Uint8Array, length: number): boolean {
    const { cursor } = this
    return equalRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd, key, 0, length)
  }

  private remember(): void {
    const { keyBytes, keyStart, keyEnd } = this.cursor
    this.lastKey = copyKey(keyBytes, keyStart, keyEnd, this.lastKey)
    this.lastKeyLength = keyEnd - keyStart
  }
}

/**
 * Copies `bytes[start, end)` to the beginning of `target`, or of a larger array. Returns the array.
 */
const copyKey = (
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array<ArrayBuffer>
): Uint8Array<ArrayBuffer> => {
  const length = end - start
  const room = length > target.length ? new Uint8Array(length * 2) : target
  for (let i = 0; i < length; i++) room[i] = bytes[start + i]!
  return room
}

const nothing = new Uint8Array(0)
