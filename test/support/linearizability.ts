/** An operation on one register, as its caller saw it. All times are from one counter. */
export interface Operation {
  readonly kind: "write" | "read"
  /** The value written or read. Undefined is a deleted key. */
  readonly value: string | undefined
  readonly begun: number
  /** Infinity for a write with unknown outcome: it may take effect at any later time, or never. */
  readonly ended: number
}

/**
 * Whether the operations on a register with the value `initial` have a linearization: one order
 * that keeps the order of operations that did not overlap, and explains the result of every read.
 * The search is that of J. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (1993). It
 * remembers the states already tried, as in G. Lowe, "Testing for Linearizability" (2017).
 */
export const isLinearizable = (operations: ReadonlyArray<Operation>, initial: string | undefined): boolean => {
  const ordered = [...operations].sort((a, b) => a.begun - b.begun)
  const done = new Uint8Array(ordered.length)
  const tried = new Set<string>()

  const search = (first: number, value: string | undefined): boolean => {
    while (first < ordered.length && done[first] === 1) first++
    // The next operation must have begun before any remaining operation ended.
    let firstEnd = Number.POSITIVE_INFINITY
    let last = first
    const open: Array<number> = []
    for (; last < ordered.length && ordered[last]!.begun < firstEnd; last++) {
      if (done[last] === 1) continue
      open.push(last)
      firstEnd = Math.min(firstEnd, ordered[last]!.ended)
    }
    if (firstEnd === Number.POSITIVE_INFINITY) return true
    const state = `${first};${open.join()};${value ?? "-"}`
    if (tried.has(state)) return false
    tried.add(state)
    for (const next of open) {
      const operation = ordered[next]!
      if (operation.kind === "read" && operation.value !== value) continue
      done[next] = 1
      if (search(first, operation.kind === "write" ? operation.value : value)) return true
      done[next] = 0
    }
    return false
  }
  return search(0, initial)
}
