import { Kind } from "./batchFormat.js"
import { compareRange, copyRange, equalRange } from "./bytes.js"
import type { Cursor } from "./cursor.js"

/** The half-open range [start, end) of keys; undefined is unbounded. */
export interface KeyRange {
  readonly start: Uint8Array | undefined
  readonly end: Uint8Array | undefined
}

/**
 * What a reader at one sequence number sees of a merged cursor, within a range: for each key the newest version at or
 * before that number, deleted keys left out.
 *
 * Going forward, the underlying cursor stands on the entry shown. Going backward, the versions of a key come oldest first, so the
 * entry shown is copied and the underlying cursor stands before the key.
 *
 * A move that fails leaves it invalid: it must be sought again.
 */
export class VisibleCursor {
  valid = false
  keyBytes: Uint8Array = nothing
  keyStart = 0
  keyEnd = 0
  valueBytes: Uint8Array = nothing
  valueStart = 0
  valueEnd = 0
  /** As of a cursor. Going backward it always is. */
  valueIsOwn = false
  private direction = 1
  private lastKey = new Uint8Array(256)
  private lastKeyLength = 0
  /** Deleted and superseded entries passed over, for whoever accounts for the cost of a scan. */
  skipped = 0

  constructor(
    private readonly cursor: Cursor,
    private readonly sequence: number,
    private readonly range: KeyRange
  ) {}

  seekToFirst(): void {
    this.valid = false
    const { start } = this.range
    if (start === undefined) this.cursor.seekToFirst()
    else this.cursor.seek(start, start.length)
    this.direction = 1
    this.findForward(false)
  }

  seekToLast(): void {
    this.valid = false
    const { end } = this.range
    if (end === undefined) {
      this.cursor.seekToLast()
    } else {
      this.cursor.seek(end, end.length)
      if (this.cursor.valid) this.cursor.prev()
      else this.cursor.seekToLast()
    }
    this.direction = -1
    this.findBackward()
  }

  /** To the first visible entry at or above the key. */
  seek(key: Uint8Array): void {
    this.valid = false
    const { start } = this.range
    const from = start !== undefined && compareRange(key, 0, key.length, start, 0, start.length) < 0 ? start : key
    this.cursor.seek(from, from.length)
    this.direction = 1
    this.findForward(false)
  }

  /** To the last visible entry below the key. */
  seekBefore(key: Uint8Array): void {
    this.valid = false
    const { end } = this.range
    const to = end !== undefined && compareRange(key, 0, key.length, end, 0, end.length) > 0 ? end : key
    this.cursor.seek(to, to.length)
    if (this.cursor.valid) this.cursor.prev()
    else this.cursor.seekToLast()
    this.direction = -1
    this.findBackward()
  }

  next(): void {
    this.valid = false
    if (this.direction < 0) {
      // The entry shown was copied: the walk goes on behind every version of its key.
      this.rememberShown()
      this.cursor.seek(this.lastKey, this.lastKeyLength)
      this.direction = 1
    } else {
      this.rememberShown()
      this.cursor.next()
    }
    this.findForward(true)
  }

  prev(): void {
    this.valid = false
    if (this.direction > 0) {
      this.rememberShown()
      this.cursor.seek(this.lastKey, this.lastKeyLength)
      if (this.cursor.valid) this.cursor.prev()
      else this.cursor.seekToLast()
      this.direction = -1
    }
    this.findBackward()
  }

  /** Settles on the next visible entry from where the cursor stands; with `skipLast`, behind the key remembered. */
  private findForward(skipLast: boolean): void {
    const { cursor, sequence } = this
    const { end } = this.range
    let skipping = skipLast
    for (; cursor.valid; cursor.next()) {
      if (skipping && this.isLastKey()) {
        this.skipped++
        continue
      }
      skipping = false
      if (end !== undefined && compareRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd, end, 0, end.length) >= 0)
        break
      if (cursor.sequence > sequence) {
        this.skipped++
        continue
      }
      if (cursor.kind === Kind.deletion) {
        this.remember(cursor.keyBytes, cursor.keyStart, cursor.keyEnd)
        skipping = true
        continue
      }
      this.valid = true
      this.keyBytes = cursor.keyBytes
      this.keyStart = cursor.keyStart
      this.keyEnd = cursor.keyEnd
      this.valueBytes = cursor.valueBytes
      this.valueStart = cursor.valueStart
      this.valueEnd = cursor.valueEnd
      this.valueIsOwn = cursor.valueIsOwn
      return
    }
  }

  /** Settles on the last visible key at or before where the cursor stands. */
  private findBackward(): void {
    const { cursor, sequence } = this
    const { start } = this.range
    let have = false
    let visible = false
    for (; cursor.valid; cursor.prev()) {
      if (have && !this.isLastKey()) {
        if (visible) break
        have = false
      }
      if (
        start !== undefined &&
        compareRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd, start, 0, start.length) < 0
      ) {
        break
      }
      if (cursor.sequence > sequence) {
        this.skipped++
        continue
      }
      // A newer version of the same key replaces the older one held so far.
      if (!have) {
        this.remember(cursor.keyBytes, cursor.keyStart, cursor.keyEnd)
        have = true
      }
      visible = cursor.kind !== Kind.deletion
      if (visible) {
        this.valueBytes = copyRange(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)
        this.valueStart = 0
        this.valueEnd = this.valueBytes.length
        this.valueIsOwn = true
        this.keyBytes = this.lastKey
        this.keyStart = 0
        this.keyEnd = this.lastKeyLength
      }
    }
    this.valid = visible
  }

  private isLastKey(): boolean {
    const { cursor } = this
    return equalRange(cursor.keyBytes, cursor.keyStart, cursor.keyEnd, this.lastKey, 0, this.lastKeyLength)
  }

  private rememberShown(): void {
    if (this.keyBytes !== this.lastKey) this.remember(this.keyBytes, this.keyStart, this.keyEnd)
  }

  private remember(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (length > this.lastKey.length) this.lastKey = new Uint8Array(length * 2)
    for (let i = 0; i < length; i++) this.lastKey[i] = bytes[start + i]!
    this.lastKeyLength = length
  }
}

const nothing = new Uint8Array(0)
