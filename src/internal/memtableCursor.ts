import { Kind } from "./batchFormat.js"
import type { Cursor } from "./cursor.js"
import { type Memtable, none } from "./memtable.js"

/** A cursor over one sorted run of a memtable, with all versions of each key. */
export class MemtableCursor implements Cursor {
  valid = false
  keyBytes: Uint8Array = emptyBytes
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd = 0
  readonly valueIsOwn = false
  sequence = 0
  kind = 0
  private position = 0
  private id = none

  /** Entries above `limit` are passed over: they came after the snapshot that the cursor reads. */
  constructor(
    private readonly memtable: Memtable,
    private readonly run: Uint32Array,
    private readonly limit: number
  ) {}

  get valueBytes(): Uint8Array {
    return this.keyBytes
  }

  seekToFirst(): void {
    this.forward(0)
  }

  seekToLast(): void {
    this.backward(this.run.length - 1)
  }

  seek(key: Uint8Array, length: number): void {
    this.forward(this.memtable.lowerBound(this.run, key, length))
  }

  next(): void {
    const older = this.memtable.olderOf(this.id)
    if (older !== none) this.take(older)
    else this.forward(this.position + 1)
  }

  prev(): void {
    let newer = none
    for (let id = this.newest(this.position); id !== this.id; id = this.memtable.olderOf(id)) newer = id
    if (newer !== none) this.take(newer)
    else this.backward(this.position - 1)
  }

  /** The newest entry within the limit of the key at `position`, or `none`. */
  private newest(position: number): number {
    let id = this.memtable.headOf(this.run[position]!)
    while (id !== none && this.memtable.sequenceOf(id) > this.limit) id = this.memtable.olderOf(id)
    return id
  }

  private forward(position: number): void {
    for (; position < this.run.length; position++) {
      const id = this.newest(position)
      if (id === none) continue
      this.position = position
      return this.take(id)
    }
    this.valid = false
  }

  private backward(position: number): void {
    for (; position >= 0; position--) {
      let id = this.newest(position)
      if (id === none) continue
      for (let older = this.memtable.olderOf(id); older !== none; older = this.memtable.olderOf(older)) id = older
      this.position = position
      return this.take(id)
    }
    this.valid = false
  }

  private take(id: number): void {
    const { memtable } = this
    this.id = id
    this.valid = true
    this.keyBytes = memtable.bytesOf(id)
    this.keyStart = memtable.keyStartOf(id)
    this.keyEnd = memtable.keyEndOf(id)
    this.valueStart = this.keyEnd
    this.valueEnd = memtable.valueEndOf(id)
    this.sequence = memtable.sequenceOf(id)
    this.kind = memtable.isDeletion(id) ? Kind.deletion : Kind.value
  }
}

const emptyBytes = new Uint8Array(0)

/** Cursors over a memtable as it is now. */
export const memtableCursors = (memtable: Memtable, limit: number): Array<Cursor> =>
  memtable.snapshotRuns().map((run) => new MemtableCursor(memtable, run, limit))
