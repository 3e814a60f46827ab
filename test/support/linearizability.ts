/** An operation on one register, as it was seen from outside. Times are of one counter. */
export interface Operation {
  readonly kind: "write" | "read"
  /** What was written, or read; undefined is a deleted key. */
  readonly value: string | undefined
  readonly begun: number
  /** Infinity for a write whose outcome nobody has seen: it may have happened any time since, or never. */
  readonly ended: number
}

/**
 * Whether the operations on a register, at first `initial`, can be put into one order that keeps those apart that did not
 * overlap and explains every read. The search is that of J. Wing and C. Gong, "Testing and Verifying Concurrent Objects" (1993), with the memory of
 * states already tried of G. Lowe, "Testing for Linearizability" (2017).
 */
export const isLinearizable = (operations: ReadonlyArray<Operation>, initial: string | undefined): boolean => {
  const ordered = [...operations].sort((a, b) => a.begun - b.begun)
  const done = new Uint8Array(ordered.length)
  const tried = new Set<string>()

  const search = (first: number, value: string | undefined): boolean => {
    while (first < ordered.length && done[first] === 1) first++
    // What is next must have begun before anything that is left has ended.
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
