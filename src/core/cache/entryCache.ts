import { copyInto, copyRange } from "../bytes/bytes.js"
import { hash, secondHash } from "../bytes/hash.js"
import type { LookupKey } from "../bytes/lookupKey.js"
import type { LookupResult } from "../cursor/lookupResult.js"
import { firstLine } from "./cacheLines.js"
import { Doorkeepers, doorkeeperBytes } from "./doorkeepers.js"
import { EntryIndex, fewestSlots, indexSlotBytes, slotsFor } from "./entryIndex.js"

/**
 * Larger entries (head, key and value together) are not cached, nor those above a fraction of a
 * chunk. There is room for a value of 64 KiB with its key.
 */
const largestEntry = 66 * 1024
const largestShare = 1 / 8
/** Larger entries are cached only when they are asked for again: to take one costs as much as to read it. */
const takenAtOnce = 2 * 1024
/** When the memory is full, one in this many of them: it displaces another, which costs as much again. */
const takenOfKnown = 4
/** Entries up to this size are cached even in small chunks. */
const smallEntry = 1024
const headBytes = 12
const unit = 8
const largestChunk = 1024 * 1024
const smallestChunk = 4096
/** The reserved budget is divided into at least this many chunks. */
const reservedChunks = 8
const mostSlots = 1 << 24
/** Slots for each entry that an index is made for. */
const slotsPerEntry = 1.5
/** An index starts anew when there are this many times as many entries as it was made for. */
const outgrown = 1.5
/** In the first word of an entry: the length of the key, and above it that of the value. */
const longestCachedKey = 0x7ff
const keyMask = 0x7ff
const valueShift = 11
/** In the third word: the high bits of the sequence number, the level and the mark. */
const sequenceMask = 0xffff
const levelShift = 16
const askedFor = 1 << 19

/** The tables that the entries come from. */
export interface EntrySource {
  readonly entryCount: number
  /** Bytes of the tables. */
  readonly byteCount: number
  /** Bytes of keys and values. */
  readonly rawBytes: number
}

const averageOf = ({ entryCount, rawBytes }: EntrySource): number => (entryCount === 0 ? 0 : rawBytes / entryCount)

const areLarge = (source: EntrySource): boolean => averageOf(source) > takenAtOnce

/** Doorkeepers for each slot. Large entries always meet one, so it must remember them for longer. */
const doorkeepersPerSlot = (source: EntrySource): number => (areLarge(source) ? 2 : 1 / 4)

/** Bytes of a slot of the index, with its part of the doorkeepers. */
const slotCostOf = (source: EntrySource): number => indexSlotBytes + doorkeeperBytes * doorkeepersPerSlot(source)

/**
 * About how much memory it takes to cache all entries. Infinite if they are too large to be taken at
 * once.
 */
export const memoryForAll = (source: EntrySource): number => {
  const size = headBytes + averageOf(source) + unit / 2
  if (size > takenAtOnce) return Number.POSITIVE_INFINITY
  return source.entryCount * (size + slotsPerEntry * indexSlotBytes)
}

/**
 * Memory for entries: at least `share.reserved` bytes, which may change up to `mostReserved`, and up
 * to `total` less the bytes that `others` use. `others.shrink` is called when they must give back what is reserved.
 */
export interface EntryBudget {
  readonly total: number
  readonly share: { readonly reserved: number; readonly mostReserved: number }
  readonly others: { readonly used: number; readonly shrink: () => void }
}

/**
 * Caches single entries that lookups found in tables. A hit needs neither a table's index nor a
 * block: it waits for three cache lines instead of eight.
 *
 * ```
 *            +-----------+----------------------------+-----+-------+
 * index ---> | lengths 4 | sequence, level and mark 8 | key | value | ... to 8
 *            +-----------+----------------------------+-----+-------+
 * ```
 *
 * Entries are stored one after the other in chunks. While blocks leave memory unused, every entry
 * found is added, and a large one when its key is asked for twice. After that, one chunk at a time
 * is swept: entries that were asked for since the last sweep stay, up to half of the chunk, and the
 * others are dropped (CLOCK). An entry is then added only if its key is asked for twice before
 * its doorkeeper forgets it (Einziger, Friedman and Manes, "TinyLFU", 2017). Of large ones, only one
 * in four is.
 *
 * The cache holds the newest versions that tables hold, so memtables must be searched first. Before
 * the tables get newer versions, their keys must be forgotten (`forget`). Compactions change
 * nothing for the cache.
 */
export class EntryCache {
  hits = 0
  /** The level of the last entry found, at the time when the entry was added. */
  level = 0
  private source: EntrySource | undefined
  private index = none
  private doorkeepers: Doorkeepers | undefined
  private slotCost = 0
  private readonly chunkBytes: number
  /** Where the entries of a chunk begin. */
  private readonly first: number
  private readonly chunkUnits: number
  private readonly chunkShift: number
  private readonly largest: number
  private readonly bytes: Array<Uint8Array> = []
  private readonly words: Array<Uint32Array> = []
  /** The end of the entries in each chunk. */
  private readonly ends: Array<number> = []
  private active = 0
  private isSweeping = false
  /** Large entries that were asked for twice while chunks were swept. */
  private known = 0

  constructor(private readonly budget: EntryBudget) {
    const wanted = Math.min(largestChunk, Math.max(smallestChunk, budget.share.reserved / reservedChunks))
    this.chunkBytes = 2 ** Math.floor(Math.log2(wanted))
    this.first = firstLine(this.chunkBytes)
    this.largest = Math.min(largestEntry, Math.max(smallEntry, this.chunkBytes * largestShare))
    this.chunkUnits = this.chunkBytes / unit
    this.chunkShift = Math.log2(this.chunkUnits)
  }

  /** Bytes held now. */
  get used(): number {
    return this.bytes.length * this.chunkBytes + this.tableBytes
  }

  /**
   * Returns true if a key's newest version is cached and not after `sequence`. `found` then holds
   * it.
   */
  find(source: EntrySource, key: LookupKey, sequence: number, found: LookupResult): boolean {
    if (source !== this.source) this.begin(source)
    const position = this.positionOf(key.hash1, key.hash2, key.bytes, 0, key.length)
    if (position < 0) return false
    const chunk = position >>> this.chunkShift
    const at = (position & (this.chunkUnits - 1)) * unit
    const words = this.words[chunk]!
    const word = at / 4
    const mark = words[word + 2]!
    const version = words[word + 1]! + (mark & sequenceMask) * 2 ** 32
    if (version > sequence) return false
    if ((mark & askedFor) === 0) words[word + 2] = mark | askedFor
    found.sequence = version
    found.bytes = this.bytes[chunk]!
    found.start = at + headBytes + key.length
    found.end = found.start + (words[word]! >>> valueShift)
    this.level = (mark >>> levelShift) & 7
    this.hits++
    return true
  }

  /** Whether an entry of the key is cached. */
  holds(key: LookupKey): boolean {
    return this.positionOf(key.hash1, key.hash2, key.bytes, 0, key.length) >= 0
  }

  /**
   * Returns a copy of the value that version `sequence` of the key `bytes[start, end)` has, or
   * undefined if it is not cached. Scans call this: it does not count as being asked for.
   */
  copyOf(bytes: Uint8Array, start: number, end: number, sequence: number): Uint8Array | undefined {
    if (this.isEmpty) return undefined
    const position = this.positionOf(hash(bytes, start, end), secondHash, bytes, start, end)
    if (position < 0) return undefined
    const chunk = position >>> this.chunkShift
    const at = (position & (this.chunkUnits - 1)) * unit
    const words = this.words[chunk]!
    const word = at / 4
    const version = words[word + 1]! + (words[word + 2]! & sequenceMask) * 2 ** 32
    if (version !== sequence) return undefined
    const value = at + headBytes + end - start
    return copyRange(this.bytes[chunk]!, value, value + (words[word]! >>> valueShift))
  }

  /** Whether an entry that was not asked for before would be taken. */
  get hasSpace(): boolean {
    return !this.isEmpty && !this.isSweeping
  }

  private positionOf(hash1: number, hash2: number, bytes: Uint8Array, start: number, end: number): number {
    const { index } = this
    const tag = index.tagOf(hash2)
    const line = index.lineOf(hash1)
    for (let i = index.next(line, 0, tag); i >= 0; i = index.next(line, i + 1, tag)) {
      const position = index.positionAt(line, i)
      const chunk = position >>> this.chunkShift
      const at = (position & (this.chunkUnits - 1)) * unit
      const head = this.words[chunk]![at / 4]!
      if ((head & keyMask) !== end - start) continue
      if (isKey(this.bytes[chunk]!, at + headBytes, bytes, start, end)) return position
    }
    return -1
  }

  /**
   * Offers an entry that `find` missed and the tables of the last `find` have. It must be the
   * newest version of its key in them.
   */
  offer(key: LookupKey, found: LookupResult, level: number): void {
    const valueLength = found.end - found.start
    const size = Math.ceil((headBytes + key.length + valueLength) / unit) * unit
    if (size > this.largest || key.length > longestCachedKey || !this.hasRoom(size, key)) return
    const chunk = this.active
    const at = this.ends[chunk]!
    this.ends[chunk] = at + size
    const words = this.words[chunk]!
    const bytes = this.bytes[chunk]!
    const word = at / 4
    words[word] = key.length | (valueLength << valueShift)
    words[word + 1] = found.sequence >>> 0
    words[word + 2] = Math.floor(found.sequence / 2 ** 32) | (level << levelShift)
    copyInto(key.bytes, 0, key.length, bytes, at + headBytes)
    copyInto(found.bytes, found.start, found.end, bytes, at + headBytes + key.length)
    const { index } = this
    index.add(index.lineOf(key.hash1), index.tagOf(key.hash2), chunk * this.chunkUnits + at / unit)
  }

  get isEmpty(): boolean {
    return this.index === none
  }

  /** Drops the entry of a key. Call it before the tables get a newer version of the key. */
  forget(hash1: number, hash2: number): void {
    const { index } = this
    const tag = index.tagOf(hash2)
    const line = index.lineOf(hash1)
    for (let i = index.next(line, 0, tag); i >= 0; i = index.next(line, i + 1, tag)) index.remove(line, i)
  }

  /** Drops all entries. Call it before the tables get a range deletion. */
  forgetAll(): void {
    if (!this.isEmpty) this.dropTables()
  }

  /** Frees memory until the cache is within its budget again. Call it when `others` use more. */
  giveBack(): void {
    if (this.index === none && this.bytes.length === 0) return
    while (this.used > this.allowance) {
      if (this.bytes.length === 0) this.dropTables()
      else this.dropChunk()
    }
  }

  private get allowance(): number {
    const { share, total, others } = this.budget
    const { reserved } = share
    return reserved === 0 ? 0 : Math.max(reserved, total - others.used)
  }

  private get tableBytes(): number {
    return this.index === none ? 0 : this.index.slots * this.slotCost
  }

  /** Starts anew if the index is much too small or too large for the tables of a new version. */
  private begin(source: EntrySource): void {
    this.source = source
    if (this.index === none) return
    const wanted = this.wantedSlots()
    if (wanted > this.index.slots * outgrown || wanted < this.index.slots / 4) this.dropTables()
  }

  /**
   * One and a half slots for each entry that the memory is expected to hold, in at most a quarter of
   * the memory.
   */
  private wantedSlots(): number {
    const source = this.source!
    const { entryCount, byteCount } = source
    const { total, share, others } = this.budget
    const memory = Math.max(share.mostReserved, total - Math.max(others.used, byteCount))
    const slotCost = slotCostOf(source)
    const entries = Math.min(entryCount, memory / (headBytes + averageOf(source) + slotsPerEntry * slotCost))
    const most = memory / 4 / slotCost
    return slotsFor(Math.min(entries * slotsPerEntry, most - fewestSlots, mostSlots))
  }

  /** Whether the active chunk has room for the entry of a key, and the key may use it. */
  private hasRoom(size: number, key: LookupKey): boolean {
    if (this.index === none && !this.allocate()) return false
    if ((this.isSweeping || size > takenAtOnce) && !this.isKnown(key)) return false
    if (this.isSweeping && size > takenAtOnce && ++this.known % takenOfKnown !== 0) return false
    if (this.bytes.length > 0 && this.ends[this.active]! + size <= this.chunkBytes) return true
    return this.advance()
  }

  /**
   * Moves to the next chunk that has room. Returns false if there is none, and when sweeping
   * begins: the first chunk is swept only for the next key that is known.
   */
  private advance(): boolean {
    if (this.addChunk()) {
      this.active = this.bytes.length - 1
      this.isSweeping = false
      return true
    }
    if (this.bytes.length === 0) return false
    const next = this.active + 1 < this.bytes.length ? this.active + 1 : 0
    if (this.ends[next]! > this.first) {
      if (!this.isSweeping) {
        this.isSweeping = true
        return false
      }
      this.sweep(next)
    }
    this.active = next
    return true
  }

  private isKnown(key: LookupKey): boolean {
    if (this.doorkeepers === undefined) {
      const count = (this.index.slots * (this.slotCost - indexSlotBytes)) / doorkeeperBytes
      this.doorkeepers = new Doorkeepers(count, count > this.index.slots)
    }
    return this.doorkeepers.knows(key.hash1, key.hash2)
  }

  private allocate(): boolean {
    const slots = this.wantedSlots()
    const slotCost = slotCostOf(this.source!)
    if (slots * slotCost + this.chunkBytes > this.allowance) return false
    this.slotCost = slotCost
    this.index = new EntryIndex(slots)
    this.budget.others.shrink()
    // Chunks that were filled before may hold the memory that the index needs.
    this.giveBack()
    return !this.isEmpty
  }

  private addChunk(): boolean {
    if (this.used + this.chunkBytes > this.allowance) return false
    const bytes = new Uint8Array(this.chunkBytes)
    this.bytes.push(bytes)
    this.words.push(new Uint32Array(bytes.buffer))
    this.ends.push(this.first)
    this.budget.others.shrink()
    return true
  }

  private dropChunk(): void {
    const last = this.bytes.length - 1
    this.each(last, (line, i) => this.index.remove(line, i))
    this.bytes.pop()
    this.words.pop()
    this.ends.pop()
    if (this.active >= last) this.active = Math.max(0, last - 1)
  }

  private dropTables(): void {
    this.index = none
    this.doorkeepers = undefined
    this.ends.fill(this.first)
    this.active = 0
    this.isSweeping = false
  }

  /**
   * Moves the entries of a chunk that were asked for to its beginning, until they fill half of it.
   * Drops the others.
   */
  private sweep(chunk: number): void {
    const bytes = this.bytes[chunk]!
    const words = this.words[chunk]!
    let kept = this.first
    this.each(chunk, (line, i, at, size) => {
      const mark = words[at / 4 + 2]!
      if ((mark & askedFor) === 0 || kept + size > this.chunkBytes / 2) {
        this.index.remove(line, i)
        return
      }
      bytes.copyWithin(kept, at, at + size)
      words[kept / 4 + 2] = mark & ~askedFor
      this.index.move(line, i, chunk * this.chunkUnits + kept / unit)
      kept += size
    })
    this.ends[chunk] = kept
  }

  /** Calls `visit` for each entry of a chunk that the index points to. */
  private each(chunk: number, visit: (line: number, i: number, at: number, size: number) => void): void {
    const bytes = this.bytes[chunk]!
    const words = this.words[chunk]!
    const end = this.ends[chunk]!
    let at = this.first
    while (at < end) {
      const head = words[at / 4]!
      const keyStart = at + headBytes
      const keyEnd = keyStart + (head & keyMask)
      const size = Math.ceil((keyEnd + (head >>> valueShift) - at) / unit) * unit
      const line = this.index.lineOf(hash(bytes, keyStart, keyEnd))
      const i = this.index.numberOf(line, chunk * this.chunkUnits + at / unit)
      if (i >= 0) visit(line, i, at, size)
      at += size
    }
  }
}

const isKey = (bytes: Uint8Array, at: number, sought: Uint8Array, start: number, end: number): boolean => {
  for (let i = end - start - 1; i >= 0; i--) if (bytes[at + i] !== sought[start + i]) return false
  return true
}

/** Stands for an index that is not allocated yet. */
const none = new EntryIndex(fewestSlots)
