import { type DeletedGap, type DeletedGaps, justAbove } from "./deletedGaps.js"
import type { InternalCursor } from "./internalCursor.js"

/** Within a run, one key of this many is looked up among the gaps. */
const keysALook = 8

/**
 * The run of deleted keys that a move of a cursor passes over. A run that has grown enough is added
 * to the gaps. A gap that the move seeks past is part of the run, and counts as half of enough.
 */
export class DeletedRun {
  private keys = 0
  /** Where it begins: at this key, or going backward below it. */
  private from: Uint8Array | undefined
  /** What is new since it was added. */
  private growth = 0
  /** The far end of a gap, until a deleted key beyond it is passed. */
  private edge: Uint8Array | undefined
  private untilLook = 1
  private readonly gapWeight: number

  constructor(
    private readonly gaps: DeletedGaps,
    private readonly sequence: number,
    private readonly direction: number,
    /** The key that the move seeks, if it began with a seek. It is copied. */
    target: Uint8Array | undefined
  ) {
    this.from = target && new Uint8Array(target)
    this.gapWeight = Math.max(1, gaps.leastPassed >>> 1)
  }

  /**
   * Takes the next deleted key, `key[0, length)`. Returns the gap that holds the entry at the
   * cursor, if it is known and worth a look. The cursor is left out if it is outside the range.
   */
  pass(key: Uint8Array, length: number, cursor: InternalCursor | undefined): DeletedGap | undefined {
    this.edge = undefined
    this.from ??= this.direction > 0 ? key.slice(0, length) : justAbove(key, 0, length)
    this.keys++
    this.growth++
    if (--this.untilLook > 0 || cursor === undefined) return undefined
    this.untilLook = keysALook
    return this.gaps.holding(cursor.keyBytes, cursor.keyStart, cursor.keyEnd, this.sequence)
  }

  /** Takes a gap. Returns its far end, to which the cursor seeks. */
  passGap(gap: DeletedGap): Uint8Array {
    this.growth += this.gapWeight
    this.untilLook = 1
    this.edge = this.direction > 0 ? gap.end : gap.start
    return this.edge
  }

  /**
   * Adds the run if it has grown enough. The key is the last deleted one, or going backward the
   * last one that was examined. `goesOn` if the move has stopped on its way.
   */
  end(key: Uint8Array, length: number, goesOn: boolean): void {
    const { from, gaps } = this
    if (from === undefined || this.keys === 0 || this.growth < gaps.leastPassed) return
    this.growth = this.gapWeight
    const edge = this.edge ?? justAbove(key, 0, length)
    if (this.direction > 0) gaps.add(from, edge, this.sequence, goesOn)
    else gaps.add(edge, from, this.sequence, goesOn)
  }
}
