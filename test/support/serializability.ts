/**
 * Checks recorded transactions for cycles, after Elle (K. Kingsbury and P. Alvaro, "Elle: Inferring
 * Isolation Anomalies from Experimental Observations", VLDB 2020). The value of a key is a list, and a
 * write appends the number of its transaction. So each list read shows which transactions wrote it
 * before, and in which order.
 */

/** A transaction that was recorded. */
export interface Recorded {
  /** Its number, above 0. */
  readonly id: number
  /** Times of its begin and its end, from one counter. `ended` is undefined if its end is not known. */
  readonly begun: number
  readonly ended: number | undefined
  /** Whether it was acknowledged. */
  readonly outcome: "written" | "refused" | "unknown"
  /** The lists that it has read from the store, by key. A key that is absent has an empty list. */
  readonly reads: ReadonlyMap<string, ReadonlyArray<number>>
  /** The keys to whose lists it has appended its number. */
  readonly appends: ReadonlySet<string>
}

/** Returns what is wrong with a history, or undefined if it is strictly serializable. */
export const faultOfHistory = (
  history: ReadonlyArray<Recorded>,
  final: ReadonlyMap<string, ReadonlyArray<number>>
): string | undefined => {
  const byId = new Map(history.map((transaction) => [transaction.id, transaction]))
  const written = new Set<number>()
  for (const [key, list] of final) {
    if (new Set(list).size !== list.length) return `${key} has a number twice: ${list}`
    for (const id of list) {
      if (byId.get(id)?.appends.has(key) !== true) return `${id} never wrote ${key}`
      if (byId.get(id)!.outcome === "refused") return `${id} was refused, but wrote ${key}`
      written.add(id)
    }
  }
  const edges = new Map<number, Map<number, string>>(history.map(({ id }) => [id, new Map()]))
  const add = (from: number, to: number, why: string): void => {
    if (from !== to) edges.get(from)!.set(to, why)
  }
  for (const transaction of history) {
    const { id, outcome, reads, appends } = transaction
    if (outcome === "written") {
      for (const key of appends) if (final.get(key)?.includes(id) !== true) return `${id} lost its write of ${key}`
    }
    // One that was refused has read one moment all the same, but its end has no place.
    const counts = outcome === "written" || written.has(id)
    for (const [key, list] of reads) {
      const all = final.get(key) ?? []
      if (list.some((other, i) => all[i] !== other)) return `${id} read ${key} = ${list}, which never was: ${all}`
      if (!counts) continue
      const last = list.at(-1)
      if (last !== undefined) add(last, id, `wrote ${key}, read by`)
      const next = all[list.length]
      if (next !== undefined) add(id, next, `read ${key} before`)
    }
  }
  for (const [key, list] of final)
    for (const [i, id] of list.entries()) if (i > 0) add(list[i - 1]!, id, `wrote ${key} before`)
  const done = history.filter(({ id, outcome }) => outcome === "written" || written.has(id))
  for (const a of done) {
    for (const b of done) if (a.ended !== undefined && a.ended < b.begun) add(a.id, b.id, "ended before")
  }
  return cycleIn(edges)
}

const cycleIn = (edges: ReadonlyMap<number, ReadonlyMap<number, string>>): string | undefined => {
  const state = new Map<number, "open" | "done">()
  const path: Array<number> = []
  const visit = (id: number): string | undefined => {
    if (state.get(id) === "done") return undefined
    if (state.get(id) === "open") {
      const cycle = [...path.slice(path.indexOf(id)), id]
      return cycle.map((one, i) => (i === 0 ? `${one}` : `${edges.get(cycle[i - 1]!)!.get(one)} ${one}`)).join(" ")
    }
    state.set(id, "open")
    path.push(id)
    for (const next of edges.get(id)!.keys()) {
      const fault = visit(next)
      if (fault !== undefined) return fault
    }
    path.pop()
    state.set(id, "done")
    return undefined
  }
  for (const id of edges.keys()) {
    const fault = visit(id)
    if (fault !== undefined) return fault
  }
  return undefined
}
