/** The end of a range that is deleted, in hexadecimal; undefined if it has none. */
export interface RangeEnd {
  readonly end: string | undefined
}

/** A value that expires, at a time in milliseconds. */
export interface Expiring {
  readonly value: string
  readonly expiresAt: number
}

/**
 * A key's new value, or undefined if it is deleted. Keys are in hexadecimal. With an end, all keys from
 * the key to the end are deleted.
 */
export type Write = readonly [key: string, value: string | Expiring | RangeEnd | undefined]

/** The text of a value, or undefined if it is none. */
export const textOfValue = (value: Write[1]): string | undefined =>
  typeof value === "object" && "value" in value ? value.value : typeof value === "string" ? value : undefined

const isWithin = (key: string, start: string, { end }: RangeEnd): boolean =>
  key >= start && (end === undefined || key < end)

/** A content that a store may hold. Immutable. */
export class Content {
  static readonly empty = new Content(new Map())
  private sorted: ReadonlyArray<readonly [key: string, value: string]> | undefined

  private constructor(
    private readonly entries: ReadonlyMap<string, string>,
    /** When values expire. */
    private readonly times: ReadonlyMap<string, number> = new Map()
  ) {}

  get size(): number {
    return this.entries.size
  }

  get(key: string): string | undefined {
    return this.entries.get(key)
  }

  after(writes: ReadonlyArray<Write>): Content {
    const entries = new Map(this.entries)
    const times = new Map(this.times)
    for (const [key, value] of writes) {
      if (!(typeof value === "object" && "end" in value)) times.delete(key)
      if (typeof value === "string") entries.set(key, value)
      else if (value === undefined) entries.delete(key)
      else if ("value" in value) {
        entries.set(key, value.value)
        times.set(key, value.expiresAt)
      } else for (const other of entries.keys()) if (isWithin(other, key, value)) entries.delete(other)
    }
    return new Content(entries, times)
  }

  /** What a reader at a time sees. */
  at(time: number): Content {
    if (this.times.size === 0) return this
    const hasExpired = (key: string): boolean => (this.times.get(key) ?? Number.POSITIVE_INFINITY) <= time
    return new Content(new Map([...this.entries].filter(([key]) => !hasExpired(key))))
  }

  equals(other: Content): boolean {
    if (this.size !== other.size) return false
    for (const [key, value] of this.entries) {
      if (other.entries.get(key) !== value || other.times.get(key) !== this.times.get(key)) return false
    }
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
