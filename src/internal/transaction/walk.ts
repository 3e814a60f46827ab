import * as Effect from "effect/Effect"
import { keyText } from "../../core/commit/keyText.js"
import type { TextRange } from "../../core/commit/recentWrites.js"
import type { ReadError } from "../../LsmError.js"
import type { Cursor, Entry } from "../../Store.js"
import { entryOf, type OwnWrite } from "./writeSet.js"

/** Entries read from the store at once. */
const pieceSize = 256

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
  isDone = false

  /** `writes` are those of the range, in the direction of the walk. */
  constructor(
    private readonly cursor: Cursor,
    private readonly writes: ReadonlyArray<OwnWrite>,
    private readonly range: TextRange,
    private readonly reverse: boolean
  ) {
    const { start, end } = range
    this.consumed = reverse ? { start: end ?? nothingBehind, end } : { start, end: start }
  }

  /** Returns the next entries: `count` of them, or fewer at the end of the range. */
  take(count: number): Effect.Effect<Array<Entry>, ReadError> {
    const taken: Array<Entry> = []
    const more: Effect.Effect<Array<Entry>, ReadError> = Effect.suspend(() => {
      while (taken.length < count) {
        if (this.at === this.piece.length && !this.isLast) {
          const wanted = Math.max(1, Math.min(pieceSize, count - taken.length))
          return Effect.flatMap(this.cursor.take(wanted, { reverse: this.reverse }), (piece) => {
            this.piece = piece
            this.at = 0
            this.isLast = piece.length < wanted
            return more
          })
        }
        if (!this.step(taken)) break
      }
      return Effect.succeed(taken)
    })
    return more
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
