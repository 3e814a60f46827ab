import type { Skyline } from "../ranges/skyline.js"
import type { InternalCursor } from "./internalCursor.js"

/** So often a move seeks. Then it shows a hidden entry, so that its caller can yield to the event loop. */
const mostSeeks = 4

/**
 * A cursor over a source that passes over stretches of keys that a range deletion hides as a whole,
 * with one seek each. `newest` is at least the sequence number of each of its entries: in a stretch that was
 * deleted later, the source has nothing to show. It may show some hidden entries all the same.
 */
export class SkippingCursor implements InternalCursor {
  constructor(
    private readonly source: InternalCursor,
    private readonly newest: number,
    private readonly skyline: Skyline
  ) {}

  get valid(): boolean {
    return this.source.valid
  }
  get keyBytes(): Uint8Array {
    return this.source.keyBytes
  }
  get keyStart(): number {
    return this.source.keyStart
  }
  get keyEnd(): number {
    return this.source.keyEnd
  }
  get valueBytes(): Uint8Array {
    return this.source.valueBytes
  }
  get valueStart(): number {
    return this.source.valueStart
  }
  get valueEnd(): number {
    return this.source.valueEnd
  }
  get valueIsOwn(): boolean {
    return this.source.valueIsOwn
  }
  get sequence(): number {
    return this.source.sequence
  }
  get kind(): number {
    return this.source.kind
  }
  get entry(): InternalCursor {
    return this.source.entry
  }

  seekToFirst(): void {
    this.source.seekToFirst()
    this.skipForward()
  }

  seekToLast(): void {
    this.source.seekToLast()
    this.skipBackward()
  }

  seek(key: Uint8Array, length: number): void {
    this.source.seek(key, length)
    this.skipForward()
  }

  next(): void {
    this.source.next()
    this.skipForward()
  }

  prev(): void {
    this.source.prev()
    this.skipBackward()
  }

  private isHidden(): boolean {
    const { keyBytes, keyStart, keyEnd } = this.source.entry
    // The only entry of the same number is the deletion.
    return this.skyline.over(keyBytes, keyStart, keyEnd) >= this.newest
  }

  private skipForward(): void {
    const { skyline, source } = this
    for (let seeks = 0; seeks < mostSeeks && source.valid && this.isHidden(); seeks++) {
      const { end } = skyline
      if (end !== undefined) source.seek(end, end.length)
      else {
        source.seekToLast()
        source.next()
      }
    }
  }

  private skipBackward(): void {
    const { skyline, source } = this
    for (let seeks = 0; seeks < mostSeeks && source.valid && this.isHidden(); seeks++) {
      const start = skyline.start!
      source.seek(start, start.length)
      if (source.valid) source.prev()
      else source.seekToLast()
    }
  }
}
