import type { LookupKey } from "../bytes/lookupKey.js"
import type { BlockIndex } from "./blockIndex.js"
import type { TableFilter } from "./filter.js"
import type { TableIndex } from "./tableIndex.js"

/** The index of a table of version 1: one index block, and one filter, which is read when needed. */
export class FilteredIndex implements BlockIndex {
  readonly partitionBytes = 0
  offset = 0
  length = 0
  private filter: TableFilter | undefined

  constructor(
    private readonly index: TableIndex,
    readonly hasChecked: boolean,
    private readonly readFilter: () => TableFilter
  ) {}

  get count(): number {
    return this.index.count
  }
  get memory(): number {
    return this.index.memory + (this.filter?.byteLength ?? 0)
  }

  find(key: Uint8Array, length: number): number {
    return this.index.find(key, length)
  }

  locate(key: LookupKey): number {
    if (this.hasChecked) {
      this.filter ??= this.readFilter()
      if (!this.filter.has(key)) return -1
    }
    return this.index.find(key.bytes, key.length)
  }

  located(): void {}

  separatorIs(block: number, key: Uint8Array, length: number): boolean {
    return this.index.separatorIs(block, key, length)
  }

  place(block: number): void {
    this.offset = this.index.offsetOf(block)
    this.length = this.index.lengthOf(block)
  }

  placeLocated(block: number): void {
    this.place(block)
  }

  release(): void {}
}
