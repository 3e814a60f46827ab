import { copyInto } from "../bytes/bytes.js"
import type { LookupKey } from "../bytes/lookupKey.js"
import type { LookupResult } from "../cursor/lookupResult.js"
import { EntryIndex, indexSlotBytes } from "./entryIndex.js"

/** Larger entries, head, key and value, are not held. */
const largestEntry = 1024
const headBytes = 16
const unit = 8
const largestChunk = 1024 * 1024
const smallestChunk = 4096
/** The reserved budget is at least so many chunks. */
const reservedChunks = 8
/** Entries beyond are found in their blocks: to make more slots free would hold the thread for long. */
const mostSlotsLog2 = 22
const slotsPerDoorkeeper = 4
const slotCost = indexSlotBytes + 4 / slotsPerDoorkeeper
const lengthMask = 0x7ff
const valueShift = 11
const levelShift = 22
const askedFor = 1 << 25

/** The tables that the entries are of: how many entries they have, and how many bytes. */
export interface EntrySource {
  readonly entryCount: number
  readonly byteCount: number
}

/** What entries may take: `reserved` bytes at least, up to `total` as far as `others` do not use them. */
export interface EntryBudget {
  readonly total: number
  readonly reserved: number
  readonly others: { readonly used: number }
}

/**
 * Single entries that lookups found in tables, found here without an index or a block: a lookup waits for three cache lines in place of
 * eight.
 *
 * ```
 *            +-------------------------------------------------+
 * index ---> | key hash 4 | lengths, level, mark 4 | sequence 8 | key | value | ... to 8
 *            +-------------------------------------------------+
 * ```
 *
 * Entries stand one behind the other in chunks. While there is memory that blocks do not use, everything found is taken in. Later a
 * chunk at a time is swept: entries asked for since the last sweep stay, up to half of the chunk, the others go (CLOCK); and an entry is
 * taken in when its key is asked for twice before another one that has the same doorkeeper (Einziger, Friedman and Manes, "TinyLFU",
 * 2017).
 *
 * It answers what the tables of one version answer, so memtables are asked before. Another version empties it.
 */
export class EntryCache {
  hits = 0
  /** Where the entry last found stood when it was taken in. */
  level = 0
  private source: EntrySource | undefined
  private index = none
  private doorkeepers = nothing
  private readonly chunkBytes: number
  private readonly chunkUnits: number
  private readonly chunkShift: number
  private readonly bytes: Array<Uint8Array> = []
  private readonly words: Array<Uint32Array> = []
  /** How far each chunk is filled. */
  private readonly ends: Array<number> = []
  private active = 0
  private isSweeping = false

  constructor(private readonly budget: EntryBudget) {
    const wanted = Math.min(largestChunk, Math.max(smallestChunk, budget.reserved / reservedChunks))
    this.chunkBytes = 2 ** Math.floor(Math.log2(wanted))
    this.chunkUnits = this.chunkBytes / unit
    this.chunkShift = Math.log2(this.chunkUnits)
  }

  /** Bytes held now. */
  get used(): number {
    return this.bytes.length * this.chunkBytes + this.tableBytes
  }

  /** Looks for a key's newest version, if that is at or before `sequence`; true when `found` holds it. */
  find(source: EntrySource, key: LookupKey, sequence: number, found: LookupResult): boolean {
    if (source !== this.source) {
      this.begin(source)
      return false
    }
    const { index } = this
    const tag = index.tagOf(key.hash2)
    const bucket = index.bucketOf(key.hash1)
    for (let slot = index.next(bucket, bucket, tag); slot >= 0; slot = index.next(bucket, index.after(slot), tag)) {
      const position = index.positionAt(slot)
      const chunk = position >>> this.chunkShift
      const at = (position & (this.chunkUnits - 1)) * unit
      const bytes = this.bytes[chunk]!
      const words = this.words[chunk]!
      const word = at / 4
      const head = words[word + 1]!
      const keyStart = at + headBytes
      if ((head & lengthMask) !== key.length || !isKey(bytes, keyStart, key)) continue
      const version = words[word + 2]! + words[word + 3]! * 2 ** 32
      if (version > sequence) return false
      if ((head & askedFor) === 0) words[word + 1] = head | askedFor
      found.sequence = version
      found.bytes = bytes
      found.start = keyStart + key.length
      found.end = found.start + ((head >>> valueShift) & lengthMask)
      this.level = (head >>> levelShift) & 7
      this.hits++
      return true
    }
    return false
  }

  /** What was not found here was found in the tables last asked about, which have no newer version of the key. */
  offer(key: LookupKey, found: LookupResult, level: number): void {
    const valueLength = found.end - found.start
    const size = Math.ceil((headBytes + key.length + valueLength) / unit) * unit
    if (size > largestEntry || !this.hasRoom(size, key)) return
    const chunk = this.active
    const at = this.ends[chunk]!
    this.ends[chunk] = at + size
    const words = this.words[chunk]!
    const bytes = this.bytes[chunk]!
    const word = at / 4
    words[word] = key.hash1
    words[word + 1] = key.length | (valueLength << valueShift) | (level << levelShift)
    words[word + 2] = found.sequence >>> 0
    words[word + 3] = Math.floor(found.sequence / 2 ** 32)
    copyInto(key.bytes, 0, key.length, bytes, at + headBytes)
    copyInto(found.bytes, found.start, found.end, bytes, at + headBytes + key.length)
    this.index.add(key.hash1, key.hash2, chunk * this.chunkUnits + at / unit)
  }

  /** Others have taken more: gives back what is more than is left. */
  giveBack(): void {
    if (this.index === none && this.bytes.length === 0) return
    while (this.used > this.allowance) {
      if (this.bytes.length === 0) this.dropTables()
      else this.dropChunk()
    }
  }

  private get allowance(): number {
    const { reserved, total, others } = this.budget
    return reserved === 0 ? 0 : Math.max(reserved, total - others.used)
  }

  private get tableBytes(): number {
    return this.index === none ? 0 : this.index.slots * slotCost
  }

  private begin(source: EntrySource): void {
    this.source = source
    if (this.index !== none) {
      const wanted = this.wantedSlots()
      if (wanted > this.index.slots || wanted < this.index.slots / 4) this.dropTables()
      else this.index.clear()
    }
    this.ends.fill(0)
    this.active = 0
    this.isSweeping = false
  }

  /** As many slots as entries that there will be memory for, and a third more, in no more than a quarter of it. */
  private wantedSlots(): number {
    const { entryCount, byteCount } = this.source!
    const { total, reserved, others } = this.budget
    const memory = Math.max(reserved, total - Math.max(others.used, byteCount))
    const average = entryCount === 0 ? 0 : byteCount / entryCount
    const entries = Math.min(entryCount, memory / (headBytes + average))
    const most = memory / 4 / slotCost
    return 2 ** Math.max(2, Math.min(Math.ceil(Math.log2(entries * 1.33)), Math.floor(Math.log2(most)), mostSlotsLog2))
  }

  /** Whether the active chunk has room for the entry of a key, and the key may have it. */
  private hasRoom(size: number, key: LookupKey): boolean {
    if (this.index === none && !this.allocate()) return false
    if (this.isSweeping && !this.isKnown(key)) return false
    if (this.bytes.length > 0 && this.ends[this.active]! + size <= this.chunkBytes) return true
    return this.advance()
  }

  /** To the next chunk that has room. The first to be swept is swept for the next key that is known. */
  private advance(): boolean {
    let next = this.bytes.length === 0 ? 0 : this.active + 1
    if (next === this.bytes.length) {
      if (this.addChunk()) this.isSweeping = false
      else if (next === 0) return false
      else next = 0
    }
    if (this.ends[next]! > 0) {
      if (!this.isSweeping) {
        this.isSweeping = true
        if (this.doorkeepers.length === 0) this.doorkeepers = new Uint32Array(this.index.slots / slotsPerDoorkeeper)
        return false
      }
      this.sweep(next)
    }
    this.active = next
    return true
  }

  private isKnown(key: LookupKey): boolean {
    const { doorkeepers } = this
    const at = key.hash1 & (doorkeepers.length - 1)
    if (doorkeepers[at] === key.hash2) return true
    doorkeepers[at] = key.hash2
    return false
  }

  private allocate(): boolean {
    const slots = this.wantedSlots()
    if (slots * slotCost + this.chunkBytes > this.allowance) return false
    this.index = new EntryIndex(slots)
    // Chunks of the version before may have what the tables take.
    this.giveBack()
    return this.index !== none
  }

  private addChunk(): boolean {
    if (this.used + this.chunkBytes > this.allowance) return false
    const bytes = new Uint8Array(this.chunkBytes)
    this.bytes.push(bytes)
    this.words.push(new Uint32Array(bytes.buffer))
    this.ends.push(0)
    return true
  }

  private dropChunk(): void {
    const last = this.bytes.length - 1
    this.each(last, (slot) => this.index.remove(slot))
    this.bytes.pop()
    this.words.pop()
    this.ends.pop()
    if (this.active >= last) this.active = Math.max(0, last - 1)
  }

  private dropTables(): void {
    this.index = none
    this.doorkeepers = nothing
    this.ends.fill(0)
    this.active = 0
    this.isSweeping = false
  }

  /** Entries of a chunk that were asked for move to its beginning, as far as they fill half of it; the others go. */
  private sweep(chunk: number): void {
    const bytes = this.bytes[chunk]!
    const words = this.words[chunk]!
    let kept = 0
    this.each(chunk, (slot, at, size) => {
      const head = words[at / 4 + 1]!
      if ((head & askedFor) === 0 || kept + size > this.chunkBytes / 2) {
        this.index.remove(slot)
        return
      }
      bytes.copyWithin(kept, at, at + size)
      words[kept / 4 + 1] = head & ~askedFor
      this.index.move(slot, chunk * this.chunkUnits + kept / unit)
      kept += size
    })
    this.ends[chunk] = kept
  }

  /** Calls `visit` for each entry of a chunk that the index points to. */
  private each(chunk: number, visit: (slot: number, at: number, size: number) => void): void {
    const words = this.words[chunk]!
    const end = this.ends[chunk]!
    let at = 0
    while (at < end) {
      const word = at / 4
      const hash1 = words[word]!
      const head = words[word + 1]!
      const length = headBytes + (head & lengthMask) + ((head >>> valueShift) & lengthMask)
      const size = Math.ceil(length / unit) * unit
      const slot = this.index.slotOf(hash1, chunk * this.chunkUnits + at / unit)
      if (slot >= 0) visit(slot, at, size)
      at += size
    }
  }
}

const isKey = (bytes: Uint8Array, start: number, { bytes: sought, length }: LookupKey): boolean => {
  for (let i = length - 1; i >= 0; i--) if (bytes[start + i] !== sought[i]) return false
  return true
}

/** In place of an index that is not there yet. */
const none = new EntryIndex(4)
const nothing = new Uint32Array(0)
