import { compareRange } from "../bytes/bytes.js"
import type { InternalCursor } from "../cursor/internalCursor.js"
import type { TableMeta } from "./tableFormat.js"

/** A cursor over the disjoint, sorted tables of one level. It opens a table when it reaches it. */
export class LevelCursor implements InternalCursor {
  private index = -1
  private current: InternalCursor | undefined

  constructor(
    private readonly tables: ReadonlyArray<TableMeta>,
    private readonly openTable: (table: TableMeta) => InternalCursor,
    /** Tables that show nothing. They are not opened. Default: none. */
    private readonly isHidden: (table: TableMeta) => boolean = () => false
  ) {}

  get valid(): boolean {
    return this.current?.valid === true
  }
  get keyBytes(): Uint8Array {
    return this.current!.keyBytes
  }
  get keyStart(): number {
    return this.current!.keyStart
  }
  get keyEnd(): number {
    return this.current!.keyEnd
  }
  get valueBytes(): Uint8Array {
    return this.current!.valueBytes
  }
  get valueStart(): number {
    return this.current!.valueStart
  }
  get valueEnd(): number {
    return this.current!.valueEnd
  }
  get valueIsOwn(): boolean {
    return this.current!.valueIsOwn
  }
  get sequence(): number {
    return this.current!.sequence
  }
  get kind(): number {
    return this.current!.kind
  }

  get entry(): InternalCursor {
    return this.current!.entry
  }

  seekToFirst(): void {
    if (this.openFrom(0, 1)) this.current!.seekToFirst()
    this.forward()
  }

  seekToLast(): void {
    if (this.openFrom(this.tables.length - 1, -1)) this.current!.seekToLast()
    this.backward()
  }

  seek(key: Uint8Array, length: number): void {
    if (this.openFrom(findTable(this.tables, key, length), 1)) this.current!.seek(key, length)
    this.forward()
  }

  next(): void {
    this.current!.next()
    this.forward()
  }

  prev(): void {
    this.current!.prev()
    this.backward()
  }

  /** Goes on to the next table that shows an entry, if this one has no more. */
  private forward(): void {
    while (this.current?.valid === false && this.openFrom(this.index + 1, 1)) this.current.seekToFirst()
  }

  private backward(): void {
    while (this.current?.valid === false && this.openFrom(this.index - 1, -1)) this.current.seekToLast()
  }

  /** Opens the first table from an index on, in a direction, that is not hidden. */
  private openFrom(index: number, step: 1 | -1): boolean {
    const { tables } = this
    while (tables[index] !== undefined && this.isHidden(tables[index]!)) index += step
    return this.open(index)
  }

  private open(index: number): boolean {
    const table = this.tables[index]
    if (table === undefined) {
      this.current = undefined
      this.index = -1
      return false
    }
    if (index !== this.index || this.current === undefined) {
      this.current = this.openTable(table)
      this.index = index
    }
    return true
  }
}

/**
 * Returns the index of the first of the sorted, disjoint `tables` whose largest key is at or above
 * the key, or `tables.length` if there is none.
 */
export const findTable = (
  tables: ReadonlyArray<Pick<TableMeta, "largestKey">>,
  key: Uint8Array,
  length: number
): number => {
  let from = 0
  let to = tables.length
  while (from < to) {
    const middle = (from + to) >>> 1
    const { largestKey } = tables[middle]!
    if (compareRange(largestKey, 0, largestKey.length, key, 0, length) < 0) from = middle + 1
    else to = middle
  }
  return from
}
