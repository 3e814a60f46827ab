import { compareRange } from "../bytes/bytes.js"
import { newestOf } from "./coverage.js"
import type { Fragments } from "./fragments.js"
import { type Bounds, isAbove } from "./rangeDeletion.js"

/**
 * Tells a cursor which entries range deletions hide from a reader at `sequence`. Neighbouring keys are
 * cheap: it remembers the stretch of the last one.
 */
export class Skyline {
  /** The newest deletion in the stretch of the last key; 0 if there is none. */
  private sequenceThere = 0
  /** The stretch of the last key. It has no end in a direction if the bound is undefined. */
  start: Uint8Array | undefined
  end: Uint8Array | undefined
  private isKnown = false

  constructor(
    private readonly fragments: Fragments,
    private readonly sequence: number
  ) {}

  /** The newest deletion of the key `bytes[from, to)` that the reader sees; 0 if there is none. */
  over(bytes: Uint8Array, from: number, to: number): number {
    const { start } = this
    const isThere =
      this.isKnown &&
      isAbove(this.end, bytes, from, to) &&
      (start === undefined || compareRange(start, 0, start.length, bytes, from, to) <= 0)
    if (!isThere) this.find(bytes, from, to)
    return this.sequenceThere
  }

  /** Whether one deletion hides all keys of a closed range that were written up to `newest`. */
  hides({ smallestKey, largestKey }: Bounds, newest: number): boolean {
    return (
      this.over(smallestKey, 0, smallestKey.length) >= newest &&
      this.sequenceThere > 0 &&
      isAbove(this.end, largestKey, 0, largestKey.length)
    )
  }

  private find(bytes: Uint8Array, from: number, to: number): void {
    const { fragments } = this
    const place = fragments.firstEndingAbove(bytes, from, to)
    const fragment = fragments.at(place)
    this.isKnown = true
    if (fragment !== undefined && compareRange(fragment.start, 0, fragment.start.length, bytes, from, to) <= 0) {
      this.start = fragment.start
      this.end = fragment.end
      this.sequenceThere = newestOf(fragment, this.sequence)
    } else {
      const before = fragments.before(place)
      this.start = before && fragments.at(before)?.end
      this.end = fragment?.start
      this.sequenceThere = 0
    }
  }
}
