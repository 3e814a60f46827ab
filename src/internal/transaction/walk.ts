import * as Effect from "effect/Effect"
import { keyBytes, keyText } from "../../core/commit/keyText.js"
import { isInRanges, rangeHolding, type TextRange } from "../../core/commit/recentWrites.js"
import type { ReadError } from "../../LsmError.js"
import type { Cursor, Entry } from "../../Store.js"
import { entryOf, type OwnWrite } from "./writeSet.js"

/** Entries read from the store at once, at first and at most. */
const firstPiece = 8
const longestPiece = 256
/** A piece has about so many bytes at most. */
const pieceBytes = 256 * 1024
/** A walk yields to the event loop after this many entries or bytes. */
const entriesPerTurn = 4096
const bytesPerTurn = 1024 * 1024

/**
 * A walk over a range in one direction: the entries of a snapshot, with the writes of the
 * transaction over them.
 *
 * `consumed` is the part of the range that the result depends on so far. It grows with what is
 * returned, not with what is read ahead.
 */
export class Walk {
  readonly consumed: { start: string; end: string | undefined }
  private piece: ReadonlyArray<Entry> = []
  private at = 0
  private isLast = false
  private own = 0
  private wanted = firstPiece
  private entriesUntilTurn = entriesPerTurn
  private bytesUntilTurn = bytesPerTurn
  isDone = false

  private readonly writes: ReadonlyArray<OwnWrite>
  private readonly deleted: ReadonlyArray<TextRange>

  /** `own.writes` are those of the range, in the direction of the walk. */
  constructor(
    private readonly cursor: Cursor,
    own: { readonly writes: ReadonlyArray<OwnWrite>; readonly deleted: ReadonlyArray<TextRange> },
    private readonly range: TextRange,
    private readonly reverse: boolean,
    private readonly turn: Effect.Effect<void>
  ) {
    this.writes = own.writes
    this.deleted = own.deleted
    const { start, end } = range
    this.consumed = reverse ? { start: end ?? nothingBehind, end } : { start, end: start }
  }

  /**
   * Returns the next entries: `count` of them, or fewer if they have `bytes` bytes or the range ends.
   */
  take(count: number, bytes = Number.POSITIVE_INFINITY): Effect.Effect<Array<Entry>, ReadError> {
    const taken: Array<Entry> = []
    let takenBytes = 0
    const more: Effect.Effect<Array<Entry>, ReadError> = Effect.suspend(() => {
      while (taken.length < count && takenBytes < bytes) {
        if (this.at === this.piece.length && !this.isLast) return this.readPiece(count - taken.length, more)
        if (!this.step(taken)) break
        const last = taken.at(-1)
        if (last !== undefined) takenBytes += last.key.length + last.value.length
      }
      return Effect.succeed(taken)
    })
    return more
  }

  /** Reads the next piece of the store, and goes on with `more`. */
  private readPiece<A>(most: number, more: Effect.Effect<A, ReadError>): Effect.Effect<A, ReadError> {
    const wanted = Math.max(1, Math.min(this.wanted, most))
    return Effect.flatMap(this.cursor.take(wanted, { reverse: this.reverse }), (piece) => {
      this.piece = piece
      this.at = 0
      this.isLast = piece.length < wanted
      const bytes = piece.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
      const fitting = Math.floor((pieceBytes * piece.length) / Math.max(1, bytes))
      this.wanted = Math.max(1, Math.min(longestPiece, this.wanted * 2, fitting))
      const skip = this.skipping(piece)
      if (skip !== undefined) return Effect.zipRight(skip, more)
      this.entriesUntilTurn -= piece.length
      this.bytesUntilTurn -= bytes
      if (this.entriesUntilTurn > 0 && this.bytesUntilTurn > 0) return more
      this.entriesUntilTurn = entriesPerTurn
      this.bytesUntilTurn = bytesPerTurn
      return Effect.zipRight(this.turn, more)
    })
  }

  /** Seeks past a range that the transaction has deleted, if the piece ends in one. */
  private skipping(piece: ReadonlyArray<Entry>): Effect.Effect<void, ReadError> | undefined {
    const last = piece.at(-1)
    if (last === undefined || this.isLast) return undefined
    const range = rangeHolding(this.deleted, keyText(last.key, 0, last.key.length))
    if (range === undefined) return undefined
    const edge = this.reverse ? range.start : range.end
    if (edge === undefined) {
      this.isLast = true
      return undefined
    }
    const { cursor } = this
    return Effect.asVoid(this.reverse ? cursor.seekBefore(keyBytes(edge)) : cursor.seek(keyBytes(edge)))
  }

  /** Takes the next entry. Returns false at the end. */
  private step(taken: Array<Entry>): boolean {
    const entry = this.piece[this.at]
    const write = this.writes[this.own]
    if (entry === undefined && write === undefined) {
      this.isDone = true
      this.consumed.start = this.range.start
      this.consumed.end = this.range.end
      return false
    }
    const key = entry === undefined ? undefined : keyText(entry.key, 0, entry.key.length)
    const isOwn = write !== undefined && (key === undefined || write.key === key || this.isBefore(write.key, key))
    if (!isOwn) {
      this.at++
      if (isInRanges(this.deleted, key!)) return true
      taken.push(entry!)
      this.consume(key!)
      return true
    }
    this.own++
    if (write.key === key) this.at++
    if (write.value !== undefined) {
      taken.push(entryOf(write))
      this.consume(write.key)
    }
    return true
  }

  private isBefore(a: string, b: string): boolean {
    return this.reverse ? a > b : a < b
  }

  private consume(key: string): void {
    if (this.reverse) this.consumed.start = key
    else this.consumed.end = `${key}\0`
  }
}

/** A text behind all keys: no byte has this character. */
const nothingBehind = "\uffff"
