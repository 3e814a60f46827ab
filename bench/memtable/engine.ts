import { ReusableLookupKey } from "effect-lsm/core/bytes/lookupKey"
import { EntryKind } from "effect-lsm/core/cursor/entryKind"
import { mergeCursors } from "effect-lsm/core/cursor/mergeCursor"
import { none } from "effect-lsm/core/memtable/entrySource"
import { Memtable } from "effect-lsm/core/memtable/memtable"
import { memtableCursors } from "effect-lsm/core/memtable/memtableCursor"
import type { Structure } from "./structure.js"

const latest = Number.MAX_SAFE_INTEGER

/** The memtable of the engine, which also keeps versions by sequence number. */
export class Engine implements Structure {
  private readonly memtable = new Memtable(1, 2 ** 31 - 1)
  private readonly lookup = new ReusableLookupKey()

  insert(sequence: number, bytes: Uint8Array, keyStart: number, keyEnd: number, valueEnd: number): void {
    this.memtable.insert(sequence, EntryKind.value, bytes, keyStart, keyEnd, keyEnd, valueEnd)
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
