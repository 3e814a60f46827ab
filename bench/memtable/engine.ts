import { Kind } from "effect-lsm/internal/batchFormat"
import { LookupKey } from "effect-lsm/internal/lookupKey"
import { Memtable, none } from "effect-lsm/internal/memtable"
import { memtableCursors } from "effect-lsm/internal/memtableCursor"
import { mergeCursors } from "effect-lsm/internal/mergeCursor"
import type { Structure } from "./structure.js"

const latest = Number.MAX_SAFE_INTEGER

/** The engine's own: versions by sequence number included. */
export class Engine implements Structure {
  private readonly memtable = new Memtable(1, 2 ** 31 - 1)
  private readonly lookup = new LookupKey()

  insert(sequence: number, bytes: Uint8Array, keyStart: number, keyEnd: number, valueEnd: number): void {
    this.memtable.insert(sequence, Kind.value, bytes, keyStart, keyEnd, keyEnd, valueEnd)
  }

  find(key: Uint8Array): number {
    const id = this.memtable.find(this.lookup.set(key), latest)
    return id === none ? none : this.memtable.sequenceOf(id)
  }

  walk(): number {
    const cursor = mergeCursors(memtableCursors(this.memtable, latest))
    let sum = 0
    for (cursor.seekToFirst(); cursor.valid; cursor.next()) sum += cursor.valueBytes[cursor.valueStart]!
    return sum
  }
}
