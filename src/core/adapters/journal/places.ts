/**
 * The places that entries get in the order in which they are written. Writes may end in another order,
 * so a place counts only when all before it are settled: a remote that was told to be there would never
 * get what appears before it.
 */
export class Places {
  private next = 1
  private readonly pending = new Set<number>()

  /** Goes on after the last place that was written. */
  begin(last: number): void {
    this.next = last + 1
  }

  /** The first of so many places. Each call is followed by one of `settle`. */
  take(count: number): number {
    const first = this.next
    this.next += count
    if (count > 0) this.pending.add(first)
    return first
  }

  /** What was taken there is written, or never will be. */
  settle(first: number): void {
    this.pending.delete(first)
  }

  /** The last place up to which everything is settled. */
  get settled(): number {
    let before = this.next
    for (const first of this.pending) if (first < before) before = first
    return before - 1
  }
}
