import type { Workload } from "./workload.js"

/** About this part of the states that events lead to is distinct. */
const distinctPart = 0.45

/**
 * Returns how many states of each workload to judge, about `wanted` in all. Each workload gets the
 * same number, divided by its weight. A workload that has fewer distinct states gets all of them.
 */
export const shares = (
  workloads: ReadonlyArray<Workload>,
  available: ReadonlyArray<number>,
  wanted: number
): ReadonlyArray<number> => {
  const most = available.map((count) => Math.ceil(count * distinctPart))
  const at = (level: number) => workloads.map(({ weight = 1 }, i) => Math.min(most[i]!, Math.ceil(level / weight)))
  const total = (level: number) => at(level).reduce((n, share) => n + share, 0)
  let low = 1
  let high = Math.max(...most)
  while (low < high) {
    const middle = (low + high) >>> 1
    if (total(middle) < wanted) low = middle + 1
    else high = middle
  }
  return at(low)
}
