import { type BlockLayout, blockLayout } from "./block.js"
import { compareRange } from "./bytes.js"
import { readU32, readVarint, varintEnd } from "./encoding.js"

/** A cursor over one block. Keys are rebuilt in the cursor's own buffer, values read in place. */
export class BlockCursor {
  valid = false
  keyBytes: Uint8Array = new Uint8Array(256)
  readonly keyStart = 0
  keyEnd = 0
  valueBytes: Uint8Array = emptyBlock
  valueStart = 0
  valueEnd = 0
  sequence = 0
  kind = 0
  private layout: BlockLayout = emptyLayout
  private index = 0

  constructor(private readonly malformed: () => never) {}

  /** Takes a block; the cursor is not valid until it has been moved. */
  open(bytes: Uint8Array): void {
    this.layout = blockLayout(bytes) ?? this.malformed()
    this.valueBytes = bytes
    this.valid = false
  }

  seekToFirst(): void {
    this.valid = this.layout.count > 0
    if (this.valid) this.restart(0)
  }

  seekToLast(): void {
    const { count } = this.layout
    this.valid = count > 0
    if (this.valid) this.walkTo(count - 1)
  }

  seek(key: Uint8Array, length: number): void {
    const { restartCount, count } = this.layout
    let low = 0
    let high = restartCount - 1
    // The last restart point whose key is below the one sought.
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      this.restart(middle)
      if (compareRange(this.keyBytes, 0, this.keyEnd, key, 0, length) < 0) low = middle
      else high = middle - 1
    }
    this.valid = count > 0
    if (!this.valid) return
    this.restart(low)
    while (this.valid && compareRange(this.keyBytes, 0, this.keyEnd, key, 0, length) < 0) this.next()
  }

  next(): void {
    if (this.index + 1 >= this.layout.count) {
      this.valid = false
      return
    }
    this.index++
    this.read(this.valueEnd)
  }

  prev(): void {
    if (this.index === 0) {
      this.valid = false
      return
    }
    this.walkTo(this.index - 1)
  }

  private walkTo(index: number): void {
    this.restart((index / this.layout.interval) | 0)
    while (this.index < index) this.next()
  }

  private restart(restart: number): void {
    const { bytes, restartsStart, interval } = this.layout
    this.index = restart * interval
    this.keyEnd = 0
    this.read(readU32(bytes, restartsStart + restart * 4))
  }

  private read(at: number): void {
    const { bytes, restartsStart } = this.layout
    let shared = bytes[at]!
    let unshared = bytes[at + 1]!
    if (shared < 0x80 && unshared < 0x80) {
      at += 2
    } else {
      shared = readVarint(bytes, at, restartsStart)
      unshared = readVarint(bytes, varintEnd, restartsStart)
      at = varintEnd
    }
    const tag = readVarint(bytes, at, restartsStart)
    const valueLength = readVarint(bytes, varintEnd, restartsStart)
    const tail = varintEnd
    const valueStart = tail + unshared
    const valueEnd = valueStart + valueLength
    if (
      !(
        shared >= 0 &&
        unshared >= 0 &&
        tag >= 0 &&
        valueLength >= 0 &&
        valueEnd <= restartsStart &&
        shared <= this.keyEnd
      )
    ) {
      this.malformed()
    }
    const length = shared + unshared
    if (length > this.keyBytes.length) {
      const larger = new Uint8Array(length * 2)
      larger.set(this.keyBytes.subarray(0, shared))
      this.keyBytes = larger
    }
    const { keyBytes } = this
    for (let i = 0; i < unshared; i++) keyBytes[shared + i] = bytes[tail + i]!
    this.keyEnd = length
    this.sequence = Math.floor(tag / 8)
    this.kind = tag % 8
    this.valueStart = valueStart
    this.valueEnd = valueEnd
  }
}

const emptyBlock = new Uint8Array(8)
const emptyLayout: BlockLayout = {
  bytes: emptyBlock,
  restartsStart: 0,
  restartCount: 0,
  fingerprintsStart: 0,
  count: 0,
  interval: 1
}
