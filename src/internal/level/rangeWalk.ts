import { compare } from "../../core/bytes/bytes.js"
import type { KeyRange } from "../../core/cursor/visibleCursor.js"
import type { Snapshot, Store } from "../../Store.js"
import { accessTo } from "../engine/access.js"
import { type Engine, toReadError } from "../engine/engine.js"
import {
  entriesPerTurn,
  openRange,
  type RangeReader,
  type RangeReaderOptions,
  type Shape,
  takeChunk
} from "../engine/rangeReader.js"
import { successor } from "./keyPrefix.js"
import { toLevelError } from "./levelError.js"

const patient: RangeReaderOptions = { patience: entriesPerTurn }
const patientKeys: RangeReaderOptions = { patience: entriesPerTurn, keysOnly: true }

/** A walk over a range, as of the moment it was opened. It holds the tables that it reads until it is closed. */
export class RangeWalk {
  private hasBegun = false
  private isOutside = false
  /** A walk that failed must not look like one that is over. */
  private failure: unknown
  private readonly forget: () => void

  constructor(
    private readonly engine: Engine,
    private readonly range: KeyRange,
    private readonly reader: RangeReader
  ) {
    this.forget = engine.closeWithStore(reader.release)
  }

  /** Whether no entries are left. */
  get isOver(): boolean {
    const { cursor } = this.reader
    return this.isOutside || (this.hasBegun && !cursor.valid && !cursor.unsettled)
  }

  /**
   * Takes up to `most` entries. Takes fewer, or none, if they are large or many deleted ones lie
   * between: the walk may go on if it is not over.
   *
   * @throws LevelError
   */
  take<A>(shape: Shape<A>, most: number, reverse: boolean): Array<A> {
    const { cursor } = this.reader
    if (this.failure !== undefined) throw this.failure
    const refusal = this.engine.readRefusal()
    if (refusal !== undefined) throw toLevelError(refusal)
    if (this.isOutside) return []
    try {
      cursor.renew()
      if (cursor.unsettled) cursor.goOn()
      else if (!this.hasBegun) {
        if (reverse) cursor.seekToLast()
        else cursor.seekToFirst()
      }
      this.hasBegun = true
      return takeChunk(cursor, shape, most, reverse)
    } catch (thrown) {
      throw this.fail(thrown)
    }
  }

  /** Moves to the key, or to the next one in the direction of the walk. A walk outside of its range is over. */
  seek(key: Uint8Array, reverse: boolean): void {
    const { cursor } = this.reader
    const { start, end } = this.range
    this.failure = undefined
    this.hasBegun = true
    this.isOutside = (start !== undefined && compare(key, start) < 0) || (end !== undefined && compare(key, end) >= 0)
    if (this.isOutside) return
    try {
      cursor.renew()
      if (reverse) cursor.seekBefore(successor(key))
      else cursor.seek(key)
    } catch (thrown) {
      this.fail(thrown)
    }
  }

  /** A second call does nothing. */
  close(): void {
    this.forget()
    this.reader.release()
  }

  private fail(thrown: unknown): unknown {
    this.failure = toLevelError(toReadError(thrown))
    return this.failure
  }
}

/** @throws LevelError */
export const openWalk = (
  store: Store,
  range: KeyRange,
  snapshot: Snapshot | undefined,
  keysOnly: boolean
): RangeWalk => {
  const { engine } = accessTo(store)
  try {
    const refusal = engine.readRefusal()
    if (refusal !== undefined) throw refusal
    const at = snapshot && { snapshot }
    const options = keysOnly ? patientKeys : patient
    const reader = openRange(engine, range, engine.sequenceFor(at), engine.timeFor(at), options)
    return new RangeWalk(engine, range, reader)
  } catch (thrown) {
    throw toLevelError(toReadError(thrown))
  }
}
