import type { BlockCache } from "../cache/blockCache.js"
import { absent } from "../cache/cacheSlots.js"
import { StorageFailure } from "../storage/failure.js"
import { readInto, type StorageFile } from "../storage/storageDriver.js"
import type { BlockIndex } from "./blockIndex.js"
import { decompressBriefly } from "./compression.js"
import { sectionCodec, sectionContent, sectionTrailerSize } from "./tableFormat.js"

/** Blocks of an extent. Divides the number of blocks of a partition. */
export const extentBlocks = 32
const once = 1
const retired = 2
/** For blocks of 4 KiB. */
const longestExtent = 160 * 1024

/** A table whose blocks are read ahead. */
interface Source {
  readonly slots: Int32Array
  readonly file: StorageFile
  readonly fileNumber: number
  readonly salt: number
  readonly index: BlockIndex
  readonly cache: BlockCache
}

/** Reused for every extent. */
let buffer = new Uint8Array(0)

/**
 * Reads blocks that lie together while the cache has room for them. One system call for 32 blocks
 * takes three times as long as for one, so a cache is filled by a tenth of the work.
 *
 * The blocks of a table are divided into extents. The first block of an extent that is missed is
 * read alone, and the second one with the whole extent. So a program that reads a few keys here and
 * there does not fill its memory with their neighbours.
 */
export class BlockPrefetch {
  /** For each extent, whether a block of it was missed, or that it need not be read any more. */
  private readonly missed: Uint8Array
  private isUseful = true

  constructor(private readonly source: Source) {
    this.missed = new Uint8Array(Math.ceil(source.slots.length / extentBlocks))
  }

  /** Bytes of memory held. */
  get memory(): number {
    return this.missed.length
  }

  /** Counts a block that was missed. Returns true if its extent should be read. */
  isDue(block: number): boolean {
    const extent = Math.floor(block / extentBlocks)
    if (this.missed[extent] !== once) {
      this.missed[extent] ||= once
      return false
    }
    return this.isUseful && this.source.cache.hasRoom(extentBlocks)
  }

  /** Reads the extent of a block only by single blocks from now on. */
  retire(block: number): void {
    this.missed[Math.floor(block / extentBlocks)] = retired
  }

  /**
   * Adds the blocks of a block's extent to the cache. Returns the bytes read. What cannot be read, is
   * damaged, too large to be packed or compressed by a slow codec is left out. If that is the block
   * itself, the table's blocks are read alone from then on.
   */
  read(block: number): number {
    const { cache, file, fileNumber, index, salt, slots } = this.source
    const first = firstOfExtent(block)
    const last = Math.min(first + extentBlocks, index.count) - 1
    index.place(last)
    const end = index.offset + index.length + sectionTrailerSize
    index.place(first)
    const start = index.offset
    if (buffer.length === 0) buffer = new Uint8Array(longestExtent)
    const read = end - start > longestExtent ? 0 : readQuietly(file, start, end - start)
    for (let i = first; i <= last; i++) {
      if (slots[i] !== absent) continue
      index.place(i)
      const { offset, length } = index
      const at = offset - start
      if (at < 0 || at + length + sectionTrailerSize > read) continue
      const codec = sectionCodec(buffer, at, length)
      // To expand another codec takes longer than to read the block by itself.
      if (codec !== "none" && codec !== "lz4") continue
      const content = sectionContent(buffer, at, length, salt, fileNumber, offset, decompressBriefly)
      if (typeof content === "string" || content.length > cache.unit) continue
      cache.add(this.source, i, content)
    }
    this.isUseful = slots[block] !== absent
    return read
  }
}

/** The first block of a block's extent. */
export const firstOfExtent = (block: number): number => block - (block % extentBlocks)

/** A lookup's own read reports the failure, if it has one. */
const readQuietly = (file: StorageFile, position: number, length: number): number => {
  try {
    return readInto(file, position, length, buffer)
  } catch (failure) {
    if (failure instanceof StorageFailure) return 0
    throw failure
  }
}
