import { compareRange, prefixWord } from "../bytes/bytes.js"
import { hash } from "../bytes/hash.js"
import { keyedHash } from "../bytes/keyedHash.js"
import type { LookupKey } from "../bytes/lookupKey.js"
import { EntryKind } from "../cursor/entryKind.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import type { LookupResult } from "../cursor/lookupResult.js"
import type { BatchTarget } from "../log/batchFormat.js"
import { type RangeDeletion, rangeDeletionOf } from "../ranges/rangeDeletion.js"
import { Arena } from "./arena.js"
import { type EntrySource, none } from "./entrySource.js"
import { memtableCursors, newestCursors } from "./memtableCursor.js"
import type { SingleMemtable } from "./singleMemtable.js"
import { SortedRuns } from "./sortedRuns.js"
import type { SpareBlocks } from "./spareBlocks.js"
import { VersionJumps } from "./versionJumps.js"

/**
 * The hash table is at most half full. Keys that were not chosen to collide are then within about
 * 80 slots of their first slot, even among millions. If a key is farther away, the table is rebuilt
 * with a hash under a secret key (see docs/decisions/0001-keyed-hash-of-memtables.md).
 */
const longestProbe = 128

/**
 * Whether that has happened in this process. Later memtables then use the keyed hash from the
 * start.
 */
let isKeyedFromStart = false

/**
 * A lookup that passes over more versions of a key than this creates shortcuts for later lookups.
 */
const longWalk = 64

/** Bytes of large values that are enough for a flush. */
const leastLarge = 16 * 1024 * 1024
/** The part of keys and values from which on large values are most of them. */
const mostlyLarge = 3 / 4

/** What a range deletion takes besides its entry. */
const rangeCost = 250

/**
 * A multi-version memtable: an arena of entry bytes, a hash table for lookups, and sorted runs of
 * keys for scans. All are typed arrays, without an object per entry.
 *
 * ```
 *  slots (hash) --> node = the first entry of a key --> head[node] = its newest entry --> older --> older
 *  runs (sorted arrays of nodes), merged like the tiers of a small LSM tree; the newest nodes unsorted
 * ```
 *
 * A run never changes. So a cursor that holds the list of runs of one moment and a sequence number
 * is a snapshot: later inserts neither disturb it nor show in it.
 */
export class Memtable implements BatchTarget, EntrySource, SingleMemtable {
  private readonly arena: Arena
  private capacity = 64
  /** Entries, by id. */
  count = 0
  private block = new Uint32Array(this.capacity)
  private offset = new Uint32Array(this.capacity)
  private keyLengths = new Uint32Array(this.capacity)
  private valueLengths = new Uint32Array(this.capacity)
  private kinds = new Uint8Array(this.capacity)
  private sequences = new Float64Array(this.capacity)
  /** The next older entry of the same key. */
  private older = new Int32Array(this.capacity)
  /** For a node: the newest entry of its key. */
  private head = new Int32Array(this.capacity)
  private hashes = new Uint32Array(this.capacity)
  private prefixHigh = new Uint32Array(this.capacity)
  private prefixLow = new Uint32Array(this.capacity)
  private slots = new Int32Array(256).fill(none)
  private mask = 255
  private isKeyed = isKeyedFromStart
  private lastHash = 0
  private nodes = 0
  private jumps: VersionJumps | undefined
  private readonly runs = new SortedRuns((a, b) => this.compareNodes(a, b))
  /** Bytes of keys and values. */
  dataBytes = 0
  largeBytes = 0
  deletions = 0
  /** Entries that expire. */
  expiring = 0
  /** The range deletions, oldest first. */
  readonly rangeDeletions: Array<RangeDeletion> = []
  smallestSequence = Number.POSITIVE_INFINITY
  largestSequence = 0

  /** Whether cursors that may outlive the memtable were made. */
  private hasReaders = false

  /**
   * `firstSegment` is the log segment that holds the first record; `budget` is the intended memory
   * in bytes. Values of at least `threshold` bytes are large.
   */
  constructor(
    readonly firstSegment: number,
    readonly budget: number,
    spare?: SpareBlocks,
    private readonly threshold = Number.POSITIVE_INFINITY
  ) {
    this.arena = new Arena(Math.max(4096, Math.min(budget >>> 6, 1024 * 1024)), spare)
  }

  /**
   * Gives its memory to the next memtables, unless a reader may still use it. Only the collector knows
   * when a scan is over, so a memtable that was ever scanned keeps its memory. It must not be used any
   * more, and its cursors for a flush have ended.
   */
  recycle(): void {
    if (!this.hasReaders) this.arena.recycle()
  }

  /** Whether it has reached its budget. One entry always fits. */
  get isFull(): boolean {
    return this.count > 0 && this.memory >= this.budget
  }

  get isDue(): boolean {
    return this.isFull || this.isFullOfLarge
  }

  /** Only one that was frozen early weighs less than a full one. */
  get weight(): number {
    return this.isFullOfLarge ? Math.min(1, this.memory / this.budget) : 1
  }

  /**
   * Whether large values are most of it, and enough for a flush. A flush leaves them in the log, so
   * it costs about as much for each value however many there are. If it comes early, the segment is
   * in the page cache and the memory is soon used again.
   */
  private get isFullOfLarge(): boolean {
    const { budget, dataBytes, largeBytes } = this
    return largeBytes >= Math.max(leastLarge, budget / 4) && largeBytes >= dataBytes * mostlyLarge
  }

  /** Bytes of memory held. */
  get memory(): number {
    return (
      this.arena.allocated +
      this.capacity * 45 +
      this.slots.length * 4 +
      this.nodes * 4 +
      this.rangeDeletions.length * rangeCost +
      (this.jumps === undefined ? 0 : this.jumps.memory)
    )
  }

  get isEmpty(): boolean {
    return this.count === 0
  }

  insert(
    sequence: number,
    kind: number,
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueStart: number,
    valueEnd: number
  ): void {
    if (this.count === this.capacity) this.grow()
    const id = this.count++
    const keyLength = keyEnd - keyStart
    const valueLength = valueEnd - valueStart
    const arena = this.arena
    arena.take(keyLength + valueLength)
    arena.fill(0, bytes, keyStart, keyEnd)
    arena.fill(keyLength, bytes, valueStart, valueEnd)
    this.block[id] = arena.block
    this.offset[id] = arena.offset
    this.keyLengths[id] = keyLength
    this.valueLengths[id] = valueLength
    this.kinds[id] = kind
    this.sequences[id] = sequence
    this.dataBytes += keyLength + valueLength
    this.largeBytes += this.largeBytesOf(id)
    if (kind !== EntryKind.value) {
      if (kind === EntryKind.expiringValue) this.expiring++
      else this.deletions++
      if (kind === EntryKind.rangeDeletion) {
        this.rangeDeletions.push(rangeDeletionOf(sequence, bytes, keyStart, keyEnd, bytes, valueStart, valueEnd))
      }
    }
    if (sequence < this.smallestSequence) this.smallestSequence = sequence
    if (sequence > this.largestSequence) this.largestSequence = sequence
    const slot = this.slotOf(
      this.isKeyed ? keyedHash(bytes, keyStart, keyEnd) : hash(bytes, keyStart, keyEnd),
      bytes,
      keyStart,
      keyEnd
    )
    this.hashes[id] = this.lastHash
    const node = this.slots[slot]!
    if (node !== none) {
      const older = this.head[node]!
      this.largeBytes -= this.largeBytesOf(older)
      this.older[id] = older
      this.head[node] = id
      this.jumps?.add(id, older)
      return
    }
    this.older[id] = none
    this.jumps?.add(id, none)
    this.head[id] = id
    this.prefixHigh[id] = prefixWord(bytes, keyStart, keyEnd)
    this.prefixLow[id] = prefixWord(bytes, Math.min(keyStart + 4, keyEnd), keyEnd)
    this.slots[slot] = id
    this.runs.add(id)
    if (++this.nodes * 2 > this.slots.length) this.arrange(this.slots.length * 2)
  }

  /** The length of an entry's value if it is large, otherwise 0. */
  private largeBytesOf(id: number): number {
    const length = this.valueLengths[id]!
    // The value of a range deletion is a key.
    return length >= this.threshold && this.kinds[id] !== EntryKind.rangeDeletion ? length : 0
  }

  /** The newest entry of the key at or before `sequence`, or `none`. */
  find(key: LookupKey, sequence: number): number {
    if (this.count === 0) return none
    const { bytes, length } = key
    const node = this.slots[this.slotOf(this.isKeyed ? keyedHash(bytes, 0, length) : key.hash1, bytes, 0, length)]!
    return node === none ? none : this.visible(this.head[node]!, sequence)
  }

  lookup(key: LookupKey, sequence: number, result: LookupResult): boolean {
    const id = this.find(key, sequence)
    if (id === none) return false
    result.kind = this.kindOf(id)
    result.sequence = this.sequences[id]!
    result.bytes = this.bytesOf(id)
    result.start = this.keyEndOf(id)
    result.end = this.valueEndOf(id)
    return true
  }

  newestCursors(sequence: number): ReadonlyArray<InternalCursor> {
    this.hasReaders = true
    return newestCursors(this, sequence)
  }

  versionCursors(): ReadonlyArray<InternalCursor> {
    return memtableCursors(this, Number.MAX_SAFE_INTEGER)
  }

  /** The newest entry of a node's key at or before `sequence`, or `none`. */
  newestOf(node: number, sequence: number): number {
    return this.visible(this.head[node]!, sequence)
  }

  /** The first entry of a chain at or before `sequence`. Usually the newest. */
  private visible(id: number, sequence: number): number {
    return id === none || this.sequences[id]! <= sequence ? id : this.walk(id, sequence)
  }

  private walk(id: number, sequence: number): number {
    const { older, sequences } = this
    if (this.jumps === undefined) {
      let walked = 0
      while (id !== none && sequences[id]! > sequence && walked++ < longWalk) id = older[id]!
      if (walked <= longWalk) return id
      this.makeJumps()
    }
    const jumps = this.jumps!
    while (id !== none && sequences[id]! > sequence) id = jumps.from(id, sequences, older, sequence)
    return id
  }

  private makeJumps(): void {
    const jumps = new VersionJumps(this.capacity)
    for (let id = 0; id < this.count; id++) jumps.add(id, this.older[id]!)
    this.jumps = jumps
  }

  kindOf(id: number): number {
    return this.kinds[id]!
  }

  bytesOf(id: number): Uint8Array {
    return this.arena.blocks[this.block[id]!]!
  }
  keyStartOf(id: number): number {
    return this.offset[id]!
  }
  keyEndOf(id: number): number {
    return this.offset[id]! + this.keyLengths[id]!
  }
  valueEndOf(id: number): number {
    return this.offset[id]! + this.keyLengths[id]! + this.valueLengths[id]!
  }
  sequenceOf(id: number): number {
    return this.sequences[id]!
  }
  olderOf(id: number): number {
    return this.older[id]!
  }

  /** The sorted runs at this moment. They are immutable. */
  snapshotRuns(): ReadonlyArray<Uint32Array> {
    return this.runs.snapshot()
  }

  /** About how many keys lie in [start, end); undefined is unbounded. */
  approximateCount(start: Uint8Array | undefined, end: Uint8Array | undefined): number {
    let keys = 0
    for (const run of this.snapshotRuns()) {
      const from = start === undefined ? 0 : this.lowerBound(run, start, start.length)
      const to = end === undefined ? run.length : this.lowerBound(run, end, end.length)
      keys += Math.max(0, to - from)
    }
    return keys
  }

  /** The first position of a run whose key is at or above `key[0, length)`. */
  lowerBound(run: Uint32Array, key: Uint8Array, length: number): number {
    let from = 0
    let to = run.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.compareNodeTo(run[middle]!, key, length) < 0) from = middle + 1
      else to = middle
    }
    return from
  }

  /** Order of a node's key against `key[0, length)`. */
  private compareNodeTo(node: number, key: Uint8Array, length: number): number {
    const start = this.offset[node]!
    return compareRange(this.arena.blocks[this.block[node]!]!, start, start + this.keyLengths[node]!, key, 0, length)
  }

  private compareNodes(a: number, b: number): number {
    const high = this.prefixHigh[a]! - this.prefixHigh[b]!
    if (high !== 0) return high
    const low = this.prefixLow[a]! - this.prefixLow[b]!
    if (low !== 0) return low
    const aStart = this.offset[a]!
    const bStart = this.offset[b]!
    return compareRange(
      this.arena.blocks[this.block[a]!]!,
      aStart,
      aStart + this.keyLengths[a]!,
      this.arena.blocks[this.block[b]!]!,
      bStart,
      bStart + this.keyLengths[b]!
    )
  }

  /** The number of slots between a key's first slot and the slot where it is or would be. */
  probesTo(bytes: Uint8Array): number {
    const slot = this.slotOf((this.isKeyed ? keyedHash : hash)(bytes, 0, bytes.length), bytes, 0, bytes.length)
    return (slot - this.lastHash) & this.mask
  }

  /**
   * The slot of the key with hash `h`, or the free slot for it. Sets `lastHash` to the hash used.
   */
  private slotOf(h: number, bytes: Uint8Array, start: number, end: number): number {
    const slot = this.findSlot(h, bytes, start, end)
    this.lastHash = h
    if (((slot - h) & this.mask) <= longestProbe || this.isKeyed) return slot
    this.useKey()
    this.lastHash = keyedHash(bytes, start, end)
    return this.findSlot(this.lastHash, bytes, start, end)
  }

  private useKey(): void {
    isKeyedFromStart = true
    this.isKeyed = true
    for (const node of this.slots) {
      if (node !== none) this.hashes[node] = keyedHash(this.bytesOf(node), this.keyStartOf(node), this.keyEndOf(node))
    }
    this.arrange(this.slots.length)
  }

  /** Linear probing. Returns the slot of the key, or the free slot for it. */
  private findSlot(h: number, bytes: Uint8Array, start: number, end: number): number {
    const { slots, mask, hashes } = this
    const length = end - start
    for (let slot = h & mask; ; slot = (slot + 1) & mask) {
      const node = slots[slot]!
      if (node === none) return slot
      if (hashes[node] === h && this.keyLengths[node] === length) {
        const own = this.arena.blocks[this.block[node]!]!
        const ownStart = this.offset[node]!
        let i = 0
        while (i < length && own[ownStart + i] === bytes[start + i]) i++
        if (i === length) return slot
      }
    }
  }

  /** Rehashes the nodes into `length` slots. */
  private arrange(length: number): void {
    const old = this.slots
    this.slots = new Int32Array(length).fill(none)
    this.mask = length - 1
    for (let i = 0; i < old.length; i++) {
      const node = old[i]!
      if (node === none) continue
      let slot = this.hashes[node]! & this.mask
      while (this.slots[slot] !== none) slot = (slot + 1) & this.mask
      this.slots[slot] = node
    }
  }

  private grow(): void {
    const capacity = this.capacity * 2
    this.block = enlarge(this.block, new Uint32Array(capacity))
    this.offset = enlarge(this.offset, new Uint32Array(capacity))
    this.keyLengths = enlarge(this.keyLengths, new Uint32Array(capacity))
    this.valueLengths = enlarge(this.valueLengths, new Uint32Array(capacity))
    this.kinds = enlarge(this.kinds, new Uint8Array(capacity))
    this.sequences = enlarge(this.sequences, new Float64Array(capacity))
    this.older = enlarge(this.older, new Int32Array(capacity))
    this.head = enlarge(this.head, new Int32Array(capacity))
    this.hashes = enlarge(this.hashes, new Uint32Array(capacity))
    this.prefixHigh = enlarge(this.prefixHigh, new Uint32Array(capacity))
    this.prefixLow = enlarge(this.prefixLow, new Uint32Array(capacity))
    this.jumps?.grow(capacity)
    this.capacity = capacity
  }
}

const enlarge = <A extends Uint8Array | Uint32Array | Int32Array | Float64Array>(from: A, to: A): A => {
  to.set(from)
  return to
}
