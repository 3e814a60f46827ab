import { copyInto } from "../bytes/bytes.js"
import { writeU16, writeU32, writeU48 } from "../bytes/encoding.js"
import { FilterBuilder, type FilterLines } from "./filterBuilder.js"
import { lineBytes } from "./lineFilter.js"
import { long, partitionBlocks, partitionTrailerSize, wordBytes } from "./partition.js"

/** Collects the keys' hashes and the separators of consecutive data blocks into a partition. */
export class PartitionBuilder {
  private separators: Array<Uint8Array> = []
  private ends: Array<number> = []
  private hashes = new Uint32Array(256)
  private keys = 0
  private base = 0

  constructor(private readonly falsePositiveRate: number) {}

  get isEmpty(): boolean {
    return this.separators.length === 0
  }
  get isFull(): boolean {
    return this.separators.length === partitionBlocks
  }

  /** Adds a key of the next block. */
  addKey(hash1: number, hash2: number): void {
    const at = this.keys * 2
    if (at === this.hashes.length) {
      const larger = new Uint32Array(this.hashes.length * 2)
      larger.set(this.hashes)
      this.hashes = larger
    }
    this.hashes[at] = hash1
    this.hashes[at + 1] = hash2
    this.keys++
  }

  /** Adds a block of the file, whose keys have been added. */
  addBlock(separator: Uint8Array, offset: number, end: number): void {
    if (this.isEmpty) this.base = offset
    this.separators.push(separator)
    this.ends.push(end - this.base)
  }

  /** Returns the partition, with room for `extra` more bytes, and begins the next one. */
  finish(extra: number): Uint8Array {
    const { separators, ends, base } = this
    const filter = this.buildFilter()
    const count = separators.length
    const prefixLength = commonPrefix(separators)
    const endWidth = ends[count - 1]! < 2 ** 32 ? 4 : 6
    let tailsSize = 0
    for (let i = 0; i < count; i++) tailsSize += Math.max(0, separators[i]!.length - prefixLength - wordBytes)
    const perBlock = wordBytes + 1 + endWidth + (tailsSize > 0 ? 4 : 0)
    const size = filter.bytes.length + count * perBlock + tailsSize + prefixLength + partitionTrailerSize
    const bytes = new Uint8Array(size + extra)
    bytes.set(filter.bytes)
    const words = filter.bytes.length
    const lengths = words + count * wordBytes
    const endsAt = lengths + count
    const tailEnds = endsAt + count * endWidth
    const tails = tailEnds + (tailsSize > 0 ? count * 4 : 0)
    let tailEnd = 0
    for (let i = 0; i < count; i++) {
      const separator = separators[i]!
      const wordEnd = Math.min(separator.length, prefixLength + wordBytes)
      copyInto(separator, prefixLength, wordEnd, bytes, words + i * wordBytes)
      bytes[lengths + i] = Math.min(separator.length - prefixLength, long)
      if (endWidth === 4) writeU32(bytes, endsAt + i * 4, ends[i]!)
      else writeU48(bytes, endsAt + i * 6, ends[i]!)
      if (tailsSize === 0) continue
      copyInto(separator, wordEnd, separator.length, bytes, tails + tailEnd)
      tailEnd += separator.length - wordEnd
      writeU32(bytes, tailEnds + i * 4, tailEnd)
    }
    bytes.set(separators[0]!.subarray(0, prefixLength), tails + tailsSize)
    const at = size - partitionTrailerSize
    writeU16(bytes, at, count)
    bytes[at + 2] = endWidth
    bytes[at + 3] = filter.hashCount
    writeU32(bytes, at + 4, filter.bytes.length / lineBytes)
    writeU48(bytes, at + 8, base)
    writeU32(bytes, at + 14, prefixLength)
    writeU32(bytes, at + 18, tailsSize)
    bytes[at + 22] = tailsSize > 0 ? 1 : 0
    this.separators = []
    this.ends = []
    this.keys = 0
    return bytes
  }

  private buildFilter(): FilterLines {
    if (this.falsePositiveRate >= 1) return { bytes: new Uint8Array(0), hashCount: 0 }
    const builder = new FilterBuilder(this.keys, this.falsePositiveRate)
    const element = { hash1: 0, hash2: 0 }
    for (let i = 0; i < this.keys * 2; i += 2) {
      element.hash1 = this.hashes[i]!
      element.hash2 = this.hashes[i + 1]!
      builder.add(element)
    }
    return builder.build()
  }
}

/** How many leading bytes sorted separators share. */
const commonPrefix = (separators: ReadonlyArray<Uint8Array>): number => {
  const [first, last] = [separators[0]!, separators[separators.length - 1]!]
  const limit = Math.min(first.length, last.length)
  let length = 0
  while (length < limit && first[length] === last[length]) length++
  return length
}
