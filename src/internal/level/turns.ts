import { setImmediate } from "node:timers"

/** Entries of iterators that are read before others get the event loop. */
const entriesPerTurn = 1024

/** A lookup takes as long as so many entries of an iterator. */
export const entriesPerLookup = 4

/**
 * Most reads end at once. A loop that awaits nothing else would keep timers and sockets from being
 * served, so now and then a read waits for a turn of the event loop.
 */
export class Turns {
  private left = entriesPerTurn

  /** Takes entries from the budget. Returns true, and refills it, if the caller should wait for a turn. */
  spend(entries: number): boolean {
    this.left -= entries
    if (this.left > 0) return false
    this.left = entriesPerTurn
    return true
  }
}

/** Resolves with `value` after a turn of the event loop. */
export const afterTurn = <A>(value: A): Promise<A> => new Promise((resolve) => setImmediate(resolve, value))
