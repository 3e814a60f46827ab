import type { Workload } from "./workload.js"

/** Of the states that events lead to, about so many are distinct. */
const distinctPart = 0.45

/**
 * How many states of each workload to judge, `wanted` in all: the same number of each, but of those that have fewer, all; and of a
 * workload with a weight, so much fewer.
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
