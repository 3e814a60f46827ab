/** A key's new value, or undefined if it is deleted. Keys are in hexadecimal. */
export type Write = readonly [key: string, value: string | undefined]

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
      if (value === undefined) entries.delete(key)
      else entries.set(key, value)
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
