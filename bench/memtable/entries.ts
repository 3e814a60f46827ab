import { compareRange, copyInto, prefixWord } from "effect-lsm/core/bytes/bytes"
import { Arena } from "effect-lsm/core/memtable/arena"

/**
 * Numbered entries in an arena, with the first eight bytes of each key as two numbers. Takes 32
 * bytes per entry in addition to the data.
 */
export class Entries {
  private readonly arena = new Arena(1024 * 1024)
  count = 0
  private capacity = 1024
  private block = new Uint32Array(this.capacity)
  private offset = new Uint32Array(this.capacity)
  private keyLength = new Uint32Array(this.capacity)
  private valueLength = new Uint32Array(this.capacity)
  private sequence = new Float64Array(this.capacity)
  private high = new Uint32Array(this.capacity)
  private low = new Uint32Array(this.capacity)

  add(sequence: number, bytes: Uint8Array, keyStart: number, keyEnd: number, valueEnd: number): number {
    if (this.count === this.capacity) this.grow()
    const id = this.count++
    const { arena } = this
    arena.take(valueEnd - keyStart)
    copyInto(bytes, keyStart, valueEnd, arena.blocks[arena.block]!, arena.offset)
    this.block[id] = arena.block
    this.offset[id] = arena.offset
    this.keyLength[id] = keyEnd - keyStart
    this.valueLength[id] = valueEnd - keyEnd
    this.sequence[id] = sequence
    this.high[id] = prefixWord(bytes, keyStart, keyEnd)
    this.low[id] = prefixWord(bytes, Math.min(keyStart + 4, keyEnd), keyEnd)
    return id
  }

  /** Compares entry `id` with a key, whose first eight bytes are `high` and `low`. */
  compare(id: number, high: number, low: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.high[id] !== high) return this.high[id]! - high
    if (this.low[id] !== low) return this.low[id]! - low
    const own = this.offset[id]!
    return compareRange(this.arena.blocks[this.block[id]!]!, own, own + this.keyLength[id]!, bytes, start, end)
  }

  highOf(id: number): number {
    return this.high[id]!
  }
  lowOf(id: number): number {
    return this.low[id]!
  }
  sequenceOf(id: number): number {
    return this.sequence[id]!
  }
  firstValueByteOf(id: number): number {
    return this.arena.blocks[this.block[id]!]![this.offset[id]! + this.keyLength[id]!]!
  }

  private grow(): void {
    const capacity = this.capacity * 2
    this.block = enlarged(this.block, new Uint32Array(capacity))
    this.offset = enlarged(this.offset, new Uint32Array(capacity))
    this.keyLength = enlarged(this.keyLength, new Uint32Array(capacity))
    this.valueLength = enlarged(this.valueLength, new Uint32Array(capacity))
    this.sequence = enlarged(this.sequence, new Float64Array(capacity))
    this.high = enlarged(this.high, new Uint32Array(capacity))
    this.low = enlarged(this.low, new Uint32Array(capacity))
    this.capacity = capacity
  }
}

export const enlarged = <A extends Uint32Array | Int32Array | Uint8Array | Uint16Array | Float64Array>(
  from: A,
  to: A
): A => {
  to.set(from)
  return to
}
