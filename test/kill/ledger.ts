import { markerOf, plan, writers } from "./plan.js"

/** What the writers have told, and what must therefore be found. */
export class Ledger {
  /** By writer: the newest batch that was acknowledged, and the newest that was begun. */
  private readonly kept = new Array<number>(writers).fill(0)
  private readonly begun = new Array<number>(writers).fill(0)
  /** What each writer's batches up to a number have left. */
  private readonly contents = Array.from({ length: writers }, () => ({ n: 0, entries: new Map<string, string>() }))
  acknowledged = 0

  /** Takes a line that a writer has told. */
  take(line: string): void {
    const [what, writer, n] = line.split(" ")
    if (what === "begun") this.begun[Number(writer)] = Number(n)
    if (what !== "kept") return
    this.kept[Number(writer)] = Number(n)
    this.acknowledged++
  }

  /** What is wrong with the batches that were found, the newest of each writer; from now on they stay. */
  faultOfMarkers(found: ReadonlyArray<number>): string | undefined {
    for (const [writer, n] of found.entries()) {
      if (n < this.kept[writer]!)
        return `writer ${writer}: batch ${n} is the last, though ${this.kept[writer]} was acknowledged`
      if (n > this.begun[writer]!)
        return `writer ${writer}: batch ${n} is there, though only ${this.begun[writer]} was begun`
      this.kept[writer] = n
      this.begun[writer] = n
    }
    return undefined
  }

  /** What is wrong with a content: it must be what whole batches up to some number of each writer have left. */
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
        if (found.get(key) !== value)
          return `${key} is ${found.get(key)?.slice(0, 20)}, where ${value.slice(0, 20)} was due`
      }
    }
    return found.size === due ? undefined : `${found.size} entries where ${due} were due: what was deleted is back`
  }
}
