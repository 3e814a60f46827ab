import { markerOf, plan, writers } from "./plan.js"

/** The batches that the writers have reported, and the content that must be found. */
export class Ledger {
  /** For each writer, the newest batch that was acknowledged and the newest that was begun. */
  private readonly kept = new Array<number>(writers).fill(0)
  private readonly begun = new Array<number>(writers).fill(0)
  /** For each writer, the content after its first `n` batches. */
  private readonly contents = Array.from({ length: writers }, () => ({ n: 0, entries: new Map<string, string>() }))
  acknowledged = 0

  /** Takes a line of a writer's output. */
  take(line: string): void {
    const [what, writer, n] = line.split(" ")
    if (what === "begun") this.begun[Number(writer)] = Number(n)
    if (what !== "kept") return
    this.kept[Number(writer)] = Number(n)
    this.acknowledged++
  }

  /**
   * Returns what is wrong with the newest batches found, one for each writer. If nothing is, the
   * store must keep them from now on.
   */
  faultOfMarkers(found: ReadonlyArray<number>): string | undefined {
    for (const [writer, n] of found.entries()) {
      if (n < this.kept[writer]!)
        return `writer ${writer}: batch ${n} is the newest, but ${this.kept[writer]} was acknowledged`
      if (n > this.begun[writer]!)
        return `writer ${writer}: batch ${n} is there, but only ${this.begun[writer]} was begun`
      this.kept[writer] = n
      this.begun[writer] = n
    }
    return undefined
  }

  /**
   * Returns what is wrong with a content. It must come from whole batches of each writer, up to
   * some number.
   */
  faultOf(found: ReadonlyMap<string, string>): string | undefined {
    const markers = Array.from({ length: writers }, (_, writer) => Number(found.get(markerOf(writer)) ?? 0))
    const fault = this.faultOfMarkers(markers)
    if (fault !== undefined) return fault
    let due = 0
    for (const [writer, n] of markers.entries()) {
      const content = this.contents[writer]!
      while (content.n < n) {
        for (const [key, value] of plan(writer, ++content.n).writes) {
          if (value === undefined) content.entries.delete(key)
          else content.entries.set(key, value)
        }
      }
      due += content.entries.size
      for (const [key, value] of content.entries) {
        if (found.get(key) !== value) return `${key} is ${found.get(key)?.slice(0, 20)}, expected ${value.slice(0, 20)}`
      }
    }
    return found.size === due ? undefined : `${found.size} entries, expected ${due}: deleted entries are back`
  }
}
