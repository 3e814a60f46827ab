import { copyInto } from "effect-lsm/core/bytes/bytes"
import { Arena } from "effect-lsm/core/memtable/arena"
import { enlarged } from "./entries.js"
import type { Structure } from "./structure.js"

/**
 * A Map with keys as latin1 strings, which sort like their bytes. It is sorted by the first walk
 * after an insert. Values are stored in an arena.
 */
export class SortedMap implements Structure {
  private readonly ids = new Map<string, number>()
  private readonly arena = new Arena(1024 * 1024)
  private count = 0
  private block = new Uint32Array(1024)
  private offset = new Uint32Array(1024)
  private valueLength = new Uint32Array(1024)
  private sequence = new Float64Array(1024)
  private sorted: ReadonlyArray<string> | undefined

  insert(sequence: number, bytes: Buffer, keyStart: number, keyEnd: number, valueEnd: number): void {
    if (this.count === this.block.length) this.grow()
    const id = this.count++
    this.arena.take(valueEnd - keyEnd)
    copyInto(bytes, keyEnd, valueEnd, this.arena.blocks[this.arena.block]!, this.arena.offset)
    this.block[id] = this.arena.block
    this.offset[id] = this.arena.offset
    this.valueLength[id] = valueEnd - keyEnd
    this.sequence[id] = sequence
    this.ids.set(bytes.toString("latin1", keyStart, keyEnd), id)
    this.sorted = undefined
  }

  find(key: Buffer): number {
    const id = this.ids.get(key.toString("latin1"))
    return id === undefined ? -1 : this.sequence[id]!
  }

  walk(): number {
    this.sorted ??= [...this.ids.keys()].sort()
    let sum = 0
    for (const key of this.sorted) {
      const id = this.ids.get(key)!
      sum += this.arena.blocks[this.block[id]!]![this.offset[id]!]!
    }
    return sum
  }

  private grow(): void {
    const capacity = this.block.length * 2
    this.block = enlarged(this.block, new Uint32Array(capacity))
    this.offset = enlarged(this.offset, new Uint32Array(capacity))
    this.valueLength = enlarged(this.valueLength, new Uint32Array(capacity))
    this.sequence = enlarged(this.sequence, new Float64Array(capacity))
  }
}
