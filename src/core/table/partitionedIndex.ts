import type { LookupKey } from "../bytes/lookupKey.js"
import type { BlockCache } from "../cache/blockCache.js"
import { absent, type BlockOwner } from "../cache/cacheSlots.js"
import type { BlockIndex } from "./blockIndex.js"
import { PartitionView, partitionBlocks } from "./partition.js"
import { type Handle, sectionTrailerSize } from "./tableFormat.js"
import type { TableIndex } from "./tableIndex.js"

/**
 * After this many lookups in a row that checked a filter and found their key, lookups skip filters
 * until one of them does not find its key. Each then costs less, and at most one needless block is
 * read in this many lookups.
 */
const patience = 256

/** Reads a partition and checks its checksum. */
export type ReadPartition = (handle: Handle) => Uint8Array

/**
 * The index of a table of version 2, in two levels. The top is in memory and leads to partitions,
 * which are read when they are needed and held in the block cache. So memory grows with what is
 * used, not with what is stored.
 *
 * ```
 * top ----> partition: filter and index of 128 blocks ----> block
 * ```
 */
export class PartitionedIndex implements BlockIndex, BlockOwner {
  readonly slots: Int32Array
  hasChecked = false
  offset = 0
  length = 0
  /** The last partition read that the cache did not take. */
  private held: Uint8Array | undefined
  private heldNumber = -1
  private foundInARow = 0

  /** `malformed` must throw. It is called when a partition is not valid. */
  constructor(
    private readonly top: TableIndex,
    readonly count: number,
    private readonly limit: number,
    private readonly cache: BlockCache,
    private readonly read: ReadPartition,
    private readonly malformed: (handle: Handle) => never
  ) {
    this.slots = new Int32Array(top.count).fill(absent)
  }

  get memory(): number {
    return this.top.memory + this.slots.length * 4 + (this.held?.length ?? 0)
  }

  get partitionBytes(): number {
    const { top, limit } = this
    return top.count === 0 ? 0 : top.offsetOf(top.count - 1) + top.lengthOf(top.count - 1) - limit
  }

  find(key: Uint8Array, length: number): number {
    const number = this.top.find(key, length)
    if (number === this.top.count) return this.count
    return this.blockIn(number, this.partition(number), key, length)
  }

  locate(key: LookupKey): number {
    const number = this.top.find(key.bytes, key.length)
    this.hasChecked = false
    if (number === this.top.count) return this.count
    const partition = this.partition(number)
    if (this.foundInARow < patience && partition.lines > 0) {
      this.hasChecked = true
      if (!partition.mayHold(key)) {
        this.foundInARow = 0
        return -1
      }
    }
    return this.blockIn(number, partition, key.bytes, key.length)
  }

  located(isFound: boolean): void {
    if (!isFound) this.foundInARow = 0
    else if (this.hasChecked) this.foundInARow++
  }

  separatorIs(block: number, key: Uint8Array, length: number): boolean {
    return this.partition(Math.floor(block / partitionBlocks)).separatorIs(block % partitionBlocks, key, length)
  }

  place(block: number): void {
    this.placeIn(this.partition(Math.floor(block / partitionBlocks)), block)
  }

  placeLocated(block: number): void {
    // `locate` has left the view on the partition.
    this.placeIn(view, block)
  }

  private placeIn(partition: PartitionView, block: number): void {
    const within = block % partitionBlocks
    this.offset = partition.blockStart(within)
    this.length = partition.blockEnd(within) - sectionTrailerSize - this.offset
  }

  release(): void {
    this.cache.forget(this)
  }

  private blockIn(number: number, partition: PartitionView, key: Uint8Array, length: number): number {
    const within = partition.find(key, length)
    // The last separator of a partition is also the top's.
    if (within === partition.count) this.fail(number)
    return number * partitionBlocks + within
  }

  /** Returns a view of a partition, valid until the next call or the next change of the cache. */
  private partition(number: number): PartitionView {
    const { cache } = this
    if (cache.find(this, number)) view.open(cache.bytes, cache.start, cache.end)
    else if (number === this.heldNumber) view.open(this.held!, 0, this.held!.length)
    else this.load(number)
    return view
  }

  private load(number: number): void {
    const { top, count, cache } = this
    const handle = { offset: top.offsetOf(number), length: top.lengthOf(number) }
    const bytes = this.read(handle)
    const isValid = view.open(bytes, 0, bytes.length) && view.isValid(this.limit)
    const blocks = number === top.count - 1 ? count - number * partitionBlocks : partitionBlocks
    if (!isValid || view.count !== blocks) this.malformed(handle)
    cache.add(this, number, bytes)
    if (this.slots[number] !== absent) return
    this.held = bytes
    this.heldNumber = number
  }

  private fail(number: number): never {
    return this.malformed({ offset: this.top.offsetOf(number), length: this.top.lengthOf(number) })
  }
}

const view = new PartitionView()
