import { copyRange } from "../../core/bytes/bytes.js"
import { InvalidArgument, type ReadError } from "../../LsmError.js"
import type { Bytes, Entry } from "../../Store.js"
import { checkCount, type Engine, toBytes, toReadError } from "./engine.js"
import { bareShape, entryShape, type RangeReader, type Shape, takeChunk } from "./rangeReader.js"

/** Entries that `take` reads before it yields to the event loop. */
const entriesPerSlice = 1024

/** Where a cursor was: on a key, or on no entry. */
interface Place {
  readonly key: Uint8Array | undefined
  readonly isBegun: boolean
}

/**
 * The moves of a user's cursor, without Effect. Each move is synchronous and throws its failure. If
 * the reader was opened with a patience, a move may stop on its way: the cursor is `unsettled`
 * then, and `goOn` continues the move. If it is not continued, because its fiber was interrupted,
 * the next operation undoes it.
 */
export class Steering {
  /** Whether the cursor has been moved. */
  private isBegun = false
  /** The failure of the last move. A failed move must not look like the end of the range. */
  private failure: ReadError | undefined
  /** Where the current move started. */
  private from: Place | undefined
  private isClosed = false
  private readonly shape: Shape<Entry>
  private readonly cursor: RangeReader["cursor"]

  constructor(
    private readonly engine: Engine,
    private readonly reader: RangeReader,
    private readonly keysOnly: boolean
  ) {
    this.cursor = reader.cursor
    this.shape = keysOnly ? bareShape : entryShape
  }

  /** Whether the last move stopped on its way. */
  get isUnsettled(): boolean {
    return this.cursor.unsettled
  }

  close(): void {
    this.isClosed = true
    this.reader.release()
  }

  /** Whether the cursor is on an entry. */
  stands(): boolean {
    this.check()
    if (this.from !== undefined) this.undo()
    return this.cursor.valid
  }

  key(): Uint8Array | undefined {
    if (!this.stands()) return undefined
    const { keyBytes, keyEnd, keyStart } = this.cursor
    return copyRange(keyBytes, keyStart, keyEnd)
  }

  value(): Uint8Array | undefined {
    if (!this.stands()) return undefined
    if (this.keysOnly) return new Uint8Array(0)
    const { valueBytes, valueEnd, valueStart } = this.cursor
    try {
      return this.cursor.readSeparated() ?? copyRange(valueBytes, valueStart, valueEnd)
    } catch (thrown) {
      // The position is as good as before: only the value cannot be read.
      throw toReadError(thrown)
    }
  }

  first(): boolean {
    this.check()
    return this.place(toFirst, nowhere)
  }

  last(): boolean {
    this.check()
    return this.place(toLast, nowhere)
  }

  seek(key: Bytes): boolean {
    this.check()
    return this.place(toKey, toBytes(key, "key"))
  }

  seekBefore(key: Bytes): boolean {
    this.check()
    return this.place(toBefore, toBytes(key, "key"))
  }

  next(): boolean {
    this.beginStep()
    return this.attempt(this.isBegun ? toNext : toFirst, nowhere)
  }

  prev(): boolean {
    this.beginStep()
    return this.attempt(this.isBegun ? toPrevious : toLast, nowhere)
  }

  /** Continues a move that stopped on its way. */
  goOn(): boolean {
    this.check()
    this.cursor.renew()
    return this.attempt(further, nowhere)
  }

  /** Starts taking entries with `takeMore`. */
  beginTake(count: number): void {
    checkCount(count, "count")
    this.beginStep()
    this.from = { key: this.key(), isBegun: this.isBegun }
  }

  /**
   * Takes a slice of the entries. Returns true when they are complete and the cursor is after them.
   */
  takeMore(taken: Array<Entry>, count: number, reverse: boolean): boolean {
    this.check()
    const { cursor } = this
    try {
      if (cursor.unsettled) cursor.goOn()
      else if (!this.isBegun) (reverse ? toLast : toFirst)(cursor, nowhere)
      this.isBegun = true
      const slice = takeChunk(cursor, this.shape, Math.min(entriesPerSlice, count - taken.length), reverse)
      for (const entry of slice) taken.push(entry)
    } catch (thrown) {
      throw this.fail(thrown)
    }
    if (cursor.unsettled || (cursor.valid && taken.length < count)) return false
    this.from = undefined
    return true
  }

  /** Call this after a yield to the event loop. */
  renew(): void {
    this.cursor.renew()
  }

  private check(): void {
    const refusal = this.engine.readRefusal()
    if (refusal !== undefined) throw refusal
    if (this.isClosed) throw new InvalidArgument({ argument: "cursor", reason: "is closed" })
  }

  /** Moves the cursor from its position. */
  private beginStep(): void {
    this.check()
    if (this.from !== undefined) this.undo()
    if (this.failure !== undefined) throw this.failure
  }

  /** Moves the cursor, whatever happened before. */
  private place(move: Move, key: Uint8Array): boolean {
    if (this.from !== undefined) this.undo()
    this.failure = undefined
    return this.attempt(move, key)
  }

  private attempt(move: Move, key: Uint8Array): boolean {
    const { cursor } = this
    try {
      move(cursor, key)
    } catch (thrown) {
      throw this.fail(thrown)
    }
    if (!cursor.unsettled) this.from = undefined
    else this.from ??= { key: cursor.cameFrom, isBegun: this.isBegun }
    this.isBegun = true
    return cursor.valid
  }

  private fail(thrown: unknown): ReadError {
    this.from = undefined
    this.failure = toReadError(thrown)
    return this.failure
  }

  /** Undoes a move that was not continued. */
  private undo(): void {
    const { cursor } = this
    const { isBegun, key } = this.from!
    this.from = undefined
    this.isBegun = isBegun
    try {
      cursor.backTo(key)
    } catch (thrown) {
      throw this.fail(thrown)
    }
  }
}

type Move = (cursor: RangeReader["cursor"], key: Uint8Array) => void

const toFirst: Move = (cursor) => cursor.seekToFirst()
const toLast: Move = (cursor) => cursor.seekToLast()
const toKey: Move = (cursor, key) => cursor.seek(key)
const toBefore: Move = (cursor, key) => cursor.seekBefore(key)
const toNext: Move = (cursor) => cursor.next()
const toPrevious: Move = (cursor) => cursor.prev()
const further: Move = (cursor) => cursor.goOn()

const nowhere = new Uint8Array(0)
