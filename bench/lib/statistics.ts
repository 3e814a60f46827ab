export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

export const quantile = (sorted: ArrayLike<number>, part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN

export const spread = (values: ReadonlyArray<number>): Spread => {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >>> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { median, least: sorted[0]!, most: sorted[sorted.length - 1]! }
}

/** The spread of each figure over several runs. */
export const spreadsOf = (runs: ReadonlyArray<Readonly<Record<string, number>>>): Readonly<Record<string, Spread>> =>
  Object.fromEntries(Object.keys(runs[0] ?? {}).map((figure) => [figure, spread(runs.map((run) => run[figure]!))]))

/**
 * Quantiles in microseconds of times in milliseconds. Ignores NaN, which marks operations that were
 * not done.
 */
export const latencies = (times: Float64Array, name: string): Readonly<Record<string, number>> => {
  const sorted = times.filter((time) => !Number.isNaN(time)).sort()
  const at = (part: number) => quantile(sorted, part) * 1000
  return {
    [`${name} p50 µs`]: at(0.5),
    [`${name} p99 µs`]: at(0.99),
    [`${name} p99.9 µs`]: at(0.999),
    [`${name} max µs`]: (sorted[sorted.length - 1] ?? Number.NaN) * 1000
  }
}
