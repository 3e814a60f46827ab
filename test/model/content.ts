/** The end of a range that is deleted, in hexadecimal; undefined if it has none. */
export interface RangeEnd {
  readonly end: string | undefined
}

/**
 * A key's new value, or undefined if it is deleted. Keys are in hexadecimal. With an end, all keys from
 * the key to the end are deleted.
 */
export type Write = readonly [key: string, value: string | RangeEnd | undefined]

const isWithin = (key: string, start: string, { end }: RangeEnd): boolean =>
  key >= start && (end === undefined || key < end)

/** A content that a store may hold. Immutable. */
export class Content {
  static readonly empty = new Content(new Map())
  private sorted: ReadonlyArray<readonly [key: string, value: string]> | undefined

  private constructor(private readonly entries: ReadonlyMap<string, string>) {}

  get size(): number {
    return this.entries.size
  }

  get(key: string): string | undefined {
    return this.entries.get(key)
  }

  after(writes: ReadonlyArray<Write>): Content {
    const entries = new Map(this.entries)
    for (const [key, value] of writes) {
      if (typeof value === "string") entries.set(key, value)
      else if (value === undefined) entries.delete(key)
      else for (const other of entries.keys()) if (isWithin(other, key, value)) entries.delete(other)
    }
    return new Content(entries)
  }

  equals(other: Content): boolean {
    if (this.size !== other.size) return false
    for (const [key, value] of this.entries) if (other.entries.get(key) !== value) return false
    return true
  }

  /** The entries of a range, in order. */
  rows(range: {
    readonly start?: string | undefined
    readonly end?: string | undefined
    readonly prefix?: string | undefined
  }): ReadonlyArray<readonly [key: string, value: string]> {
    this.sorted ??= [...this.entries].sort(([a], [b]) => (a < b ? -1 : 1))
    const { start = "", end, prefix = "" } = range
    return this.sorted.filter(([key]) => key >= start && (end === undefined || key < end) && key.startsWith(prefix))
  }
}
