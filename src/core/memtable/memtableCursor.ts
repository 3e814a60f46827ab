import type { InternalCursor } from "../cursor/internalCursor.js"
import { type EntrySource, none } from "./entrySource.js"

/**
 * A cursor over one sorted run of a memtable. Skips entries with sequence numbers above `limit`.
 */
abstract class MemtableCursor implements InternalCursor {
  valid = false
  keyBytes: Uint8Array = emptyBytes
  keyStart = 0
  keyEnd = 0
  valueStart = 0
  valueEnd = 0
  readonly valueIsOwn = false
  sequence = 0
  kind = 0
  protected position = 0
  protected id = none

  constructor(
    protected readonly memtable: EntrySource,
    private readonly run: Uint32Array,
    private readonly limit: number
  ) {}

  get valueBytes(): Uint8Array {
    return this.keyBytes
  }
  get entry(): this {
    return this
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

  abstract next(): void
  abstract prev(): void

  /**
   * The version at which a backward cursor reaches a key. `newest` is the key's newest within the
   * limit.
   */
  protected abstract lastOf(newest: number): number

  /** The newest entry within the limit of the key at `position`, or `none`. */
  protected newest(position: number): number {
    return this.memtable.newestOf(this.run[position]!, this.limit)
  }

  protected forward(position: number): void {
    for (; position < this.run.length; position++) {
      const id = this.newest(position)
      if (id === none) continue
      this.position = position
      return this.take(id)
    }
    this.valid = false
  }

  protected backward(position: number): void {
    for (; position >= 0; position--) {
      const id = this.newest(position)
      if (id === none) continue
      this.position = position
      return this.take(this.lastOf(id))
    }
    this.valid = false
  }

  protected take(id: number): void {
    const { memtable } = this
    this.id = id
    this.valid = true
    this.keyBytes = memtable.bytesOf(id)
    this.keyStart = memtable.keyStartOf(id)
    this.keyEnd = memtable.keyEndOf(id)
    this.valueStart = this.keyEnd
    this.valueEnd = memtable.valueEndOf(id)
    this.sequence = memtable.sequenceOf(id)
    this.kind = memtable.kindOf(id)
  }
}

/** For readers: only the newest version of each key within the limit. Equally fast both ways. */
class NewestCursor extends MemtableCursor {
  next(): void {
    this.forward(this.position + 1)
  }

  prev(): void {
    this.backward(this.position - 1)
  }

  protected lastOf(newest: number): number {
    return newest
  }
}

/**
 * For merges: all versions of each key. Each step backward walks the key's versions again, but
 * merges never go backward.
 */
class VersionsCursor extends MemtableCursor {
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

  protected lastOf(newest: number): number {
    let id = newest
    for (let older = this.memtable.olderOf(id); older !== none; older = this.memtable.olderOf(older)) id = older
    return id
  }
}

const emptyBytes = new Uint8Array(0)

/** Cursors over all versions that are in a memtable now, for merges. */
export const memtableCursors = (memtable: EntrySource, limit: number): Array<InternalCursor> =>
  memtable.snapshotRuns().map((run) => new VersionsCursor(memtable, run, limit))

/** Cursors over the entries in a memtable now that a reader at sequence number `limit` sees. */
export const newestCursors = (memtable: EntrySource, limit: number): Array<InternalCursor> =>
  memtable.snapshotRuns().map((run) => new NewestCursor(memtable, run, limit))
